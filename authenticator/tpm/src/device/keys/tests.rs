use super::{der_integer, padded};

#[test]
fn der_integers_have_the_shortest_form() {
    assert_eq!(der_integer(&[0x7f]), Some(vec![2, 1, 0x7f]));
    assert_eq!(der_integer(&[0x80]), Some(vec![2, 2, 0, 0x80]), "a set top bit would be a minus sign");
    assert_eq!(der_integer(&[0, 0, 1, 2]), Some(vec![2, 2, 1, 2]), "leading zeros are dropped");
    assert_eq!(der_integer(&[]), Some(vec![2, 1, 0]), "zero has one byte");
}

#[test]
fn coordinates_get_their_leading_zeros_back() {
    let number = padded::<32>(&[1, 2]).expect("two bytes fit");
    assert_eq!(number[..30], [0; 30]);
    assert_eq!(number[30..], [1, 2]);
    assert_eq!(padded::<32>(&[0; 33]), None);
}
