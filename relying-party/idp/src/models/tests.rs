use std::fs;
use std::time::Duration;

use super::*;
use crate::mds::minted;

const REAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mds3-real-no23.jwt");
/// 2023-01-15: the real BLOB was current.
const THEN: UnixTime = UnixTime::from_seconds(1_673_740_800);
const KNOWN: &str = "9c835346-796b-4c27-8898-d6032f515cc5";

struct Place {
    directory: tempfile::TempDir,
    database: Database,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("idp.db").display());
        Self { directory, database: Database::open(&url).await.unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("blob.jwt")
    }

    fn models(&self, trust: Trust) -> Models {
        Models::default().with_metadata(self.path(), trust)
    }
}

#[tokio::test]
async fn the_real_metadata_under_the_root_that_ships() {
    let place = Place::new().await;
    fs::copy(REAL, place.path()).unwrap();
    let models = place.models(Trust::fido_alliance());
    assert!(models.metadata_state(THEN).is_none());
    assert!(models.load(&place.database, THEN).await.unwrap());
    let state = models.metadata_state(THEN).unwrap();
    assert_eq!((state.number, state.entries, state.stale), (23, 93, false));
    assert!(models.metadata_state(THEN.plus(Duration::from_hours(24 * 31))).unwrap().stale);
    let known = models.model(Uuid::try_parse(KNOWN).unwrap());
    assert_eq!(known, Model { name: Some("Cryptnox FIDO2".to_owned()), warning: None });
    assert_eq!(models.model(Uuid::nil()), Model::default());
    assert!(!models.load(&place.database, THEN).await.unwrap(), "the file is as it was");

    // Its signer's certificate has run out since.
    let late = place.models(Trust::fido_alliance());
    let year = THEN.plus(Duration::from_hours(24 * 365));
    assert!(matches!(late.load(&place.database, year).await, Err(MetadataError::Blob(BlobError::Chain(_)))));
}

#[tokio::test]
async fn a_changed_file_is_read_again_and_a_bad_one_changes_nothing() {
    let place = Place::new().await;
    let (now, minted) = minted(&[40, 41, 39]);
    let [(first, trust), (second, _), (older, _)] = minted.try_into().unwrap_or_else(|_| unreachable!());
    fs::write(place.path(), &first).unwrap();
    let models = place.models(trust);
    assert!(models.load(&place.database, now).await.unwrap());
    let number = || models.metadata().unwrap().blob.number();
    assert_eq!(number(), 40);

    for (text, accepted, held) in
        [(&second[..second.len() - 2], false, 40), (&second, true, 41), (&older, false, 41)]
    {
        fs::write(place.path(), text).unwrap();
        let outcome = models.load(&place.database, now).await;
        assert_eq!((outcome.is_ok(), number()), (accepted, held), "{outcome:?}");
        assert!(!models.load(&place.database, now).await.unwrap(), "reported once");
    }
    fs::remove_file(place.path()).unwrap();
    assert!(matches!(models.load(&place.database, now).await, Err(MetadataError::File { .. })));
    assert_eq!(number(), 41);
}

#[tokio::test]
async fn the_highest_number_is_remembered_over_a_restart() {
    let place = Place::new().await;
    let (now, minted) = minted(&[40, 41]);
    let [(older, trust), (newer, same)] = minted.try_into().unwrap_or_else(|_| unreachable!());
    fs::write(place.path(), newer).unwrap();
    assert!(place.models(trust).load(&place.database, now).await.unwrap());
    fs::write(place.path(), older).unwrap();
    let outcome = place.models(same).load(&place.database, now).await;
    assert!(
        matches!(outcome, Err(MetadataError::Blob(BlobError::Rollback { number: 40, held: 41 }))),
        "{outcome:?}"
    );
}

#[test]
fn an_anchor_names_its_model() {
    let aaguid = Uuid::from_u128(7);
    let models =
        Models::new(vec![Anchor { aaguid, description: "Our key".to_owned(), certificate: Vec::new() }]);
    assert_eq!(models.model(aaguid).name.as_deref(), Some("Our key"));
}
