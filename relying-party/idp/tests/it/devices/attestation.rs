//! Keys in an emulated TPM: what the service believes of them, and what it does not.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_container::tpm::{DeviceKeys as _, KeyAlgorithm, Tpm as _};
use latchkey_idp::devices::EndorsementRoots;
use latchkey_idp::domain::RequiredAttestation;
use latchkey_idp::models::Models;
use latchkey_tests::swtpm::{Swtpm, authority_issuer, authority_root};
use serde_json::{Value, json};
use x509_parser::extensions::ParsedExtension;

use super::machine::{Machine, TpmKeys, attest, auth, begin, certify, evidence, join, rsa1, with_evidence};
use crate::rig::Rig;

/// A TPM with a certificate of a maker whose root is in the folder.
fn certified(folder: &Path) -> Machine {
    let process = Swtpm::start_certified(&folder.join("tpm"), &folder.join("maker"));
    Machine::with_tpm("Laptop", process)
}

/// The maker's root, and the authority below it that signs.
fn roots(folder: &Path) -> EndorsementRoots {
    let maker = folder.join("maker");
    let mut roots = EndorsementRoots::default();
    for file in [authority_root(&maker), authority_issuer(&maker)] {
        roots.add(&std::fs::read(file).unwrap()).unwrap();
    }
    roots
}

/// Lets the time come at which the TPM was made.
fn wait_for(rig: &Rig, machine: &Machine) {
    let der = machine.tpm(|keys| keys.tpm.endorsement().unwrap().unwrap().certificate.unwrap());
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    let made = certificate.validity().not_before.timestamp() - rig.now().seconds();
    rig.wait(Duration::from_secs(u64::try_from(made).unwrap_or_default()));
}

/// Where the newest row says why, and to whom.
async fn refused(rig: &Rig, token: &str, body: &Value, code: &str) {
    let me = rig.user.id.to_string();
    join(rig, token, body).await.noted((400, code), rig, ("device.refused", &me)).await;
}

#[tokio::test]
async fn a_tpm_of_a_known_maker_is_trusted_and_its_attestation_key_gets_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = certified(folder.path());
    let rig = Rig::start_trusting(Models::default(), roots(folder.path())).await;
    wait_for(&rig, &machine);
    rig.decide(|policy| policy.devices.attestation = RequiredAttestation::Trusted).await;
    let token = rig.drs_token(rig.fresh()).await;
    let me = rig.user.id.to_string();
    let bare = join(&rig, &token, &machine.join_body()).await;
    bare.noted((403, "attestation_required"), &rig, ("device.refused", &me)).await;
    let body = with_evidence(machine.join_body(), &evidence(&rig, &token, &machine).await);
    let answer = join(&rig, &token, &body).await.ok();
    machine.keep(&answer);
    let device = rig.database.devices().find(machine.id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(device.attestation.word(), "trusted");

    let der = STANDARD.decode(answer["AttestationKeyCertificate"]["RawBody"].as_str().unwrap()).unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert_eq!(certificate.subject().as_raw(), [0x30, 0x00], "WebAuthn L3 8.3.1: the subject is empty");
    let usage = certificate.extended_key_usage().unwrap().unwrap();
    assert!(usage.critical, "some verifiers take no other");
    let usage = usage.value;
    assert!(usage.other.iter().any(|oid| oid.to_id_string() == "2.23.133.8.3"));
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert!(names.critical);
    assert!(format!("{:?}", names.value).contains("DirectoryName"), "{:?}", names.value);
    assert!(
        certificate
            .extensions()
            .iter()
            .all(|extension| { !matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. }) })
    );
    let issuer = STANDARD.decode(answer["AttestationKeyCertificate"]["Issuer"].as_str().unwrap()).unwrap();
    let (_, issuer) = x509_parser::parse_x509_certificate(&issuer).unwrap();
    certificate.verify_signature(Some(issuer.public_key())).unwrap();

    // The same TPM again, with new keys: it takes the place of what was registered before.
    let first = machine.id.clone();
    machine.renew();
    let body = with_evidence(machine.join_body(), &evidence(&rig, &token, &machine).await);
    machine.keep(&join(&rig, &token, &body).await.ok());
    assert_ne!(machine.id, first);
    assert_eq!(rig.database.devices().of_owner(rig.user.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_tpm_of_an_unknown_maker_is_verified_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let machine = certified(folder.path());
    let rig = Rig::start().await;
    wait_for(&rig, &machine);
    let token = rig.drs_token(rig.fresh()).await;
    rig.decide(|policy| policy.devices.attestation = RequiredAttestation::Trusted).await;
    let body = with_evidence(machine.join_body(), &evidence(&rig, &token, &machine).await);
    let me = rig.user.id.to_string();
    let refused = join(&rig, &token, &body).await;
    refused.noted((403, "attestation_required"), &rig, ("device.refused", &me)).await;
    rig.decide(|policy| policy.devices.attestation = RequiredAttestation::Verified).await;
    let body = with_evidence(machine.join_body(), &evidence(&rig, &token, &machine).await);
    let id = join(&rig, &token, &body).await.ok()["DeviceId"].as_str().unwrap().parse().unwrap();
    assert_eq!(rig.database.devices().find(id).await.unwrap().unwrap().attestation.word(), "verified");
}

#[tokio::test]
async fn forged_attestations_are_refused_each_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let machine = certified(folder.path());
    let rig = Rig::start().await;
    let token = rig.drs_token(rig.fresh()).await;
    let body = machine.join_body();
    // A challenge is answered once, and by the user who asked for it.
    let good = evidence(&rig, &token, &machine).await;
    assert_eq!(join(&rig, &token, &with_evidence(body.clone(), &good)).await.status, 200);
    refused(&rig, &token, &with_evidence(body.clone(), &good), "attestation_challenge").await;
    let bob = rig.another_user("bob@example.org").await;
    let theirs = evidence(&rig, &rig.drs_token_of(&bob).await, &machine).await;
    refused(&rig, &token, &with_evidence(body.clone(), &theirs), "attestation_challenge").await;
    let late = evidence(&rig, &token, &machine).await;
    rig.wait(Duration::from_mins(10));
    refused(&rig, &token, &with_evidence(body.clone(), &late), "attestation_challenge").await;

    let token = rig.drs_token(rig.fresh()).await;
    let forgeries: Vec<(Forgery, &str)> = vec![
        (other_secret, "attestation_activation"),
        (other_profile, "attestation_profile"),
        (swapped, "attestation_purpose"),
        (for_another_challenge, "attestation_purpose"),
        (another_name, "attestation_name"),
        (another_attestation_key, "attestation_signature"),
        (changed_attest, "attestation_signature"),
        (another_key, "attestation_other_key"),
        (transport_as_device, "attestation_other_key"),
        (cut, "attestation_malformed"),
    ];
    for (forge, code) in forgeries {
        let begin = begin(&rig, &token, &machine).await.ok();
        let forged = machine.tpm(|keys| {
            let mut evidence = attest(keys, &begin);
            forge(keys, &mut evidence);
            evidence
        });
        refused(&rig, &token, &with_evidence(body.clone(), &forged), code).await;
    }
    assert_eq!(rig.database.devices().of_owner(rig.user.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_challenge_is_made_only_for_keys_that_can_prove_something() {
    let folder = tempfile::tempdir().unwrap();
    let machine = certified(folder.path());
    let rig = Rig::start().await;
    let token = rig.drs_token(rig.fresh()).await;
    let me = rig.user.id.to_string();
    let (ek, ak, device) = machine.tpm(|keys| {
        let endorsement = keys.tpm.endorsement().unwrap().unwrap().public_area;
        let device = keys.device.blob.clone();
        let device = certify(keys, (&device, 1), "device", "x")["public"].clone();
        (STANDARD.encode(endorsement), STANDARD.encode(&keys.attestation.1), device)
    });
    let unrestricted = {
        let mut area = STANDARD.decode(&ak).unwrap();
        area[5] &= !0x01;
        STANDARD.encode(area)
    };
    for (ek, ak, code) in [
        (json!(ek), json!(unrestricted), "attestation_key"),
        (json!(ek), device.clone(), "attestation_key"),
        (json!(ek), json!("AAAA"), "attestation_key"),
        (json!(ak), json!(ak), "endorsement_key"),
        (device, json!(ak), "endorsement_key"),
    ] {
        let body = json!({ "ek": { "public": ek, "certificate": null }, "ak": { "public": ak } });
        let answer = rig.post_json("/EnrollmentServer/attestation/", Some(&token), &body).await;
        answer.noted((400, code), &rig, ("attestation.refused", &me)).await;
    }
}

type Forgery = fn(&mut TpmKeys, &mut Value);

fn other_secret(_: &mut TpmKeys, evidence: &mut Value) {
    evidence["activated"] = STANDARD.encode([7; 32]).into();
}

fn other_profile(_: &mut TpmKeys, evidence: &mut Value) {
    evidence["profile"] = "latchkey-tpm-0".into();
}

/// What was certified as the transport key is shown as the device key: `extraData` says otherwise.
fn swapped(keys: &mut TpmKeys, evidence: &mut Value) {
    let challenge = evidence["challenge"].as_str().unwrap().to_owned();
    let device = keys.device.blob.clone();
    evidence["device"] = certify(keys, (&device, 1), "transport", &challenge);
}

fn for_another_challenge(keys: &mut TpmKeys, evidence: &mut Value) {
    let device = keys.device.blob.clone();
    evidence["device"] = certify(keys, (&device, 1), "device", "another challenge");
}

/// The certification of one key, with the public area of another.
fn another_name(keys: &mut TpmKeys, evidence: &mut Value) {
    let other = keys.tpm.create_key(KeyAlgorithm::Rs256, &auth(1)).unwrap();
    let other = certify(keys, (&other.blob, 1), "device", "x");
    evidence["device"]["public"] = other["public"].clone();
}

fn another_attestation_key(keys: &mut TpmKeys, evidence: &mut Value) {
    let other = keys.tpm.create_attestation_key(&auth(3)).unwrap();
    let own = std::mem::replace(&mut keys.attestation, (other.blob, other.public_area));
    let challenge = evidence["challenge"].as_str().unwrap().to_owned();
    let device = keys.device.blob.clone();
    evidence["device"] = certify(keys, (&device, 1), "device", &challenge);
    keys.attestation = own;
}

fn changed_attest(_: &mut TpmKeys, evidence: &mut Value) {
    let mut attest = STANDARD.decode(evidence["device"]["attest"].as_str().unwrap()).unwrap();
    let last = attest.len() - 1;
    attest[last] ^= 1;
    evidence["device"]["attest"] = STANDARD.encode(attest).into();
}

/// All is in order, but for another key than the one that the certificate is asked for.
fn another_key(keys: &mut TpmKeys, evidence: &mut Value) {
    let other = keys.tpm.create_key(KeyAlgorithm::Rs256, &auth(1)).unwrap();
    assert_ne!(rsa1(&other.public), rsa1(&keys.device.public));
    let challenge = evidence["challenge"].as_str().unwrap().to_owned();
    evidence["device"] = certify(keys, (&other.blob, 1), "device", &challenge);
}

fn transport_as_device(keys: &mut TpmKeys, evidence: &mut Value) {
    let challenge = evidence["challenge"].as_str().unwrap().to_owned();
    let transport = keys.transport.blob.clone();
    evidence["device"] = certify(keys, (&transport, 2), "device", &challenge);
}

fn cut(_: &mut TpmKeys, evidence: &mut Value) {
    let public = STANDARD.decode(evidence["device"]["public"].as_str().unwrap()).unwrap();
    evidence["device"]["public"] = STANDARD.encode(&public[..public.len() - 1]).into();
}
