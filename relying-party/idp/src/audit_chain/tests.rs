use super::*;

fn key() -> AuditKey {
    AuditKey::new([7; 32])
}

fn event(number: i64) -> Event {
    Event {
        at: UnixTime::from_seconds(1_000 + number),
        tenant: (number % 2 == 0).then(|| Uuid::from_u128(9)),
        actor: "user:ada".to_owned(),
        action: "passkey.delete".to_owned(),
        target: format!("passkey:{number}"),
        detail: BTreeMap::from([("name".to_owned(), "Blue key".to_owned())]),
    }
}

/// As storage appends it.
fn append(rows: &mut Vec<Row>, key: &AuditKey, event: &Event) {
    let before = rows.last().map(|row| row.hash.clone()).unwrap_or_default();
    let (number, record) = (i64::try_from(rows.len()).unwrap() + 1, event.record());
    rows.push(Row { number, at: event.at, hash: key.hash(number, &before, &record), record });
}

fn chain(length: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    for number in 1..=length {
        append(&mut rows, &key(), &event(number));
    }
    rows
}

fn head(rows: &[Row]) -> Head {
    let last = rows.last().unwrap();
    Head { number: last.number, link: Link::from_bytes(&last.hash).unwrap() }
}

fn broken(number: i64, fault: Fault) -> Result<Head, Broken> {
    Err(Broken { number, fault })
}

#[test]
fn a_chain_as_written_is_whole() {
    assert_eq!(key().verify(Vec::new(), None), Ok(Head::START));
    let rows = chain(5);
    let end = head(&rows);
    assert_eq!(key().verify(rows.clone(), None), Ok(end));
    // In two parts, the second from where the first ended.
    let middle = key().verify(rows[..3].to_vec(), None).unwrap();
    let audit_key = key();
    let mut verifier = audit_key.verifier(middle, None);
    for row in &rows[3..] {
        verifier.next(row).unwrap();
    }
    assert_eq!(verifier.end(), Ok(end));
}

#[test]
fn every_changed_field_is_found_at_its_row() {
    let rewrite: fn(&mut Row, fn(&mut Event)) = |row, change| {
        let mut event: Event = serde_json::from_str(&row.record).unwrap();
        change(&mut event);
        row.record = event.record();
    };
    let changes: [&dyn Fn(&mut Row); 9] = [
        &|row| rewrite(row, |event| event.at = UnixTime::from_seconds(0)),
        &|row| rewrite(row, |event| event.tenant = Some(Uuid::nil())),
        &|row| rewrite(row, |event| event.actor.push('x')),
        &|row| rewrite(row, |event| event.detail.clear()),
        &|row| row.record.push(' '),
        &|row| row.at = UnixTime::from_seconds(0),
        &|row| row.hash[31] ^= 1,
        &|row| row.hash.truncate(31),
        &|row| row.number = 1,
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut rows = chain(5);
        change(&mut rows[2]);
        assert_eq!(key().verify(rows, None), broken(3, Fault::Changed), "change {index}");
    }
}

#[test]
fn dropped_inserted_exchanged_and_reordered_rows_are_found() {
    let mut dropped = chain(5);
    dropped.remove(1);
    assert_eq!(key().verify(dropped.clone(), None), broken(2, Fault::Missing));
    for (index, row) in dropped.iter_mut().enumerate() {
        row.number = i64::try_from(index).unwrap() + 1;
    }
    assert_eq!(key().verify(dropped, None), broken(2, Fault::Changed));

    let mut doubled = chain(5);
    doubled.insert(2, doubled[1].clone());
    assert_eq!(key().verify(doubled, None), broken(3, Fault::Changed));

    let mut reordered = chain(5);
    reordered.swap(2, 3);
    assert_eq!(key().verify(reordered, None), broken(3, Fault::Missing));

    // Somebody without the key writes the whole log anew.
    let mut forged = Vec::new();
    append(&mut forged, &AuditKey::new([8; 32]), &event(1));
    assert_eq!(key().verify(forged, None), broken(1, Fault::Changed));
}

#[test]
fn a_kept_head_shows_missing_newest_rows() {
    let rows = chain(5);
    let kept = head(&rows[..4]);
    assert!(key().verify(rows.clone(), Some(&kept)).is_ok());
    assert_eq!(key().verify(rows[..3].to_vec(), Some(&kept)), broken(4, Fault::Missing));
    assert!(key().verify(rows[..3].to_vec(), None).is_ok(), "without a kept head nothing shows it");
    // A log that was written anew with the key.
    let mut other = chain(3);
    append(&mut other, &key(), &event(99));
    assert_eq!(key().verify(other, Some(&kept)), broken(4, Fault::OtherHead));
}

#[test]
fn a_head_is_a_line() {
    let head = head(&chain(2));
    let line = head.to_string();
    assert!(line.starts_with("2:"), "{line}");
    assert_eq!(format!("{line}\n").parse(), Ok(head));
    for text in ["", "2", "2:", "x:AAAA", "2:AAAA"] {
        assert_eq!(text.parse::<Head>(), Err(HeadError), "{text:?}");
    }
}

#[test]
fn a_record_is_json_in_a_fixed_order() {
    assert_eq!(
        event(1).record(),
        r#"{"at":1001,"tenant":null,"actor":"user:ada","action":"passkey.delete","target":"passkey:1","detail":{"name":"Blue key"}}"#
    );
}
