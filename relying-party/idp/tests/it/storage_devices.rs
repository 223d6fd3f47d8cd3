//! Devices, enterprise keys and attestations under way, on both databases.

use std::time::Duration;

use latchkey_idp::domain::{
    Device, DeviceAttestation, DeviceId, DeviceSystem, DeviceTpm, EnterpriseKey, EnterpriseKeyId, OpaqueHash,
    Rsa1, TenantId, UserId,
};
use latchkey_idp::storage::{Database, DeviceCursor, KeyPlaced, NewDevice, PendingAttestation, Placed};
use uuid::Uuid;

use crate::postgres::Postgres;
use crate::storage::{NOW, Seeded, seed};

const HOUR: Duration = Duration::from_hours(1);

/// A public key whose modulus is all of this odd byte.
fn key(byte: u8) -> Rsa1 {
    Rsa1::new(&[1, 0, 1], &[byte | 0x81; 256]).unwrap()
}

fn device(seeded: &Seeded, number: u8, tpm: Option<u8>) -> Device {
    Device {
        attestation: tpm.map_or(DeviceAttestation::None, |_| DeviceAttestation::Verified),
        tpm: tpm.map(|tpm| DeviceTpm { endorsement: [tpm; 32], attestation_key: vec![1, tpm] }),
        ..laptop(seeded.tenant, seeded.user, number)
    }
}

/// A device without a TPM.
pub fn laptop(tenant: TenantId, owner: UserId, number: u8) -> Device {
    Device {
        id: DeviceId::new(Uuid::from_u128(u128::from(number) + 100)),
        tenant,
        owner,
        name: format!("Laptop {number}"),
        system: DeviceSystem::default(),
        certificate: vec![number],
        transport_key: key(number),
        attestation: DeviceAttestation::None,
        tpm: None,
        enabled: true,
        created_at: NOW,
        last_seen_at: None,
    }
}

/// A user's key, on the first device.
pub fn on(tenant: TenantId, user: UserId, number: u8) -> EnterpriseKey {
    EnterpriseKey {
        id: EnterpriseKeyId::new(Uuid::from_u128(u128::from(number) + 200)),
        key: key(number),
        tenant,
        user,
        device: DeviceId::new(Uuid::from_u128(101)),
        multifactor: true,
        attestation: DeviceAttestation::Verified,
        created_at: NOW,
        last_used_at: None,
    }
}

async fn place(database: &Database, device: &Device, key: u8, reuses_name: bool) -> Placed {
    let new = NewDevice { device, device_key: &[key; 32], reuses_name, quota: 2 };
    database.devices().place(&new, NOW).await.unwrap()
}

async fn devices(database: &Database) {
    let mut seeded = seed(database).await;
    let devices = database.devices();
    let first = device(&seeded, 1, Some(7));
    assert_eq!(place(database, &first, 1, false).await, Placed::Registered(vec![]));
    assert_eq!(devices.find(first.id).await.unwrap(), Some(first.clone()));
    // The same again, after an answer that was lost.
    assert_eq!(place(database, &first, 1, false).await, Placed::Registered(vec![]));
    assert_eq!(devices.with_key(seeded.user, &[1; 32]).await.unwrap(), Some(first.clone()));
    // Another device with the key of the first one.
    assert_eq!(place(database, &device(&seeded, 2, None), 1, false).await, Placed::Taken);
    assert_eq!(place(database, &device(&seeded, 2, None), 2, false).await, Placed::Registered(vec![]));
    assert_eq!(place(database, &device(&seeded, 3, None), 3, false).await, Placed::Quota);
    // The TPM of the first one is registered anew: the first one goes, and what was given on it.
    seeded.grant.authentication.device = Some(first.id);
    database.grants().create(&seeded.grant, NOW.plus(HOUR)).await.unwrap();
    let again = device(&seeded, 4, Some(7));
    assert_eq!(place(database, &again, 4, false).await, Placed::Registered(vec![first.id]));
    assert_eq!(devices.find(first.id).await.unwrap(), None);
    assert!(!database.grants().stands(seeded.grant.id).await.unwrap());
    // A device without a TPM is known by its name, when the client says so; one with a TPM never is.
    let mut renamed = device(&seeded, 5, None);
    "LAPTOP 2".clone_into(&mut renamed.name);
    assert_eq!(place(database, &renamed, 5, false).await, Placed::Quota);
    let second = DeviceId::new(Uuid::from_u128(102));
    assert_eq!(place(database, &renamed, 5, true).await, Placed::Registered(vec![second]));
    let mut stranger = device(&seeded, 6, None);
    stranger.name.clone_from(&again.name);
    assert_eq!(place(database, &stranger, 6, true).await, Placed::Quota);

    let list = devices.search((seeded.tenant, "lap"), &DeviceCursor::default(), 10).await.unwrap();
    let names: Vec<_> = list.iter().map(|found| (found.device.name.as_str(), found.owner.as_str())).collect();
    assert_eq!(names, [("LAPTOP 2", "Alice@example.org"), ("Laptop 4", "Alice@example.org")]);
    let after = DeviceCursor { name: "laptop 2".to_owned(), id: renamed.id.to_string() };
    assert_eq!(devices.search((seeded.tenant, ""), &after, 10).await.unwrap().len(), 1);
    assert_eq!(devices.of_owner(seeded.user).await.unwrap().len(), 2);
    assert_eq!(devices.count(seeded.tenant).await.unwrap(), 2);
    devices.seen(again.id, NOW.plus(HOUR)).await.unwrap();
    assert_eq!(devices.find(again.id).await.unwrap().unwrap().last_seen_at, Some(NOW.plus(HOUR)));
    assert!(devices.set_enabled((seeded.tenant, again.id), false, NOW).await.unwrap());
    assert!(!devices.find(again.id).await.unwrap().unwrap().enabled);
    assert!(!devices.set_enabled((seeded.tenant, first.id), false, NOW).await.unwrap());
    enterprise_keys(database, &seeded, [&again, &renamed]).await;
}

async fn enterprise_keys(database: &Database, seeded: &Seeded, [one, two]: [&Device; 2]) {
    let keys = database.enterprise_keys();
    let make = |number: u8, device: &Device| EnterpriseKey {
        device: device.id,
        ..on(seeded.tenant, seeded.user, number)
    };
    let first = make(3, one);
    assert_eq!(keys.place(&first).await.unwrap(), KeyPlaced::Added);
    assert_eq!(keys.find(&key(3).key_id()).await.unwrap(), Some(first.clone()));
    let again = EnterpriseKey { id: make(4, one).id, ..first.clone() };
    assert_eq!(keys.place(&again).await.unwrap(), KeyPlaced::Known(first.id));
    assert_eq!(keys.place(&EnterpriseKey { device: two.id, ..again }).await.unwrap(), KeyPlaced::Taken);
    // Each user has one on each device.
    let next = make(5, one);
    assert_eq!(keys.place(&next).await.unwrap(), KeyPlaced::Replaced(first.id));
    assert_eq!(keys.find(&key(3).key_id()).await.unwrap(), None);
    let other = make(7, two);
    assert_eq!(keys.place(&other).await.unwrap(), KeyPlaced::Added);
    keys.used(next.id, NOW.plus(HOUR)).await.unwrap();
    let used = EnterpriseKey { last_used_at: Some(NOW.plus(HOUR)), ..next };
    assert_eq!(keys.of_user(seeded.user).await.unwrap(), [used, other.clone()]);
    // A device's keys go with it.
    assert!(database.devices().remove((seeded.tenant, one.id), NOW).await.unwrap());
    assert!(!database.devices().remove((seeded.tenant, one.id), NOW).await.unwrap());
    assert_eq!(keys.of_user(seeded.user).await.unwrap(), std::slice::from_ref(&other));
    assert_eq!(keys.remove(seeded.user, other.id).await.unwrap(), Some(two.id));
    assert_eq!(keys.remove(seeded.user, other.id).await.unwrap(), None);
}

async fn attestations(database: &Database) {
    let seeded = seed(database).await;
    let (attestations, challenge) = (database.attestations(), OpaqueHash::of("challenge"));
    let pending = PendingAttestation { user: seeded.user, record: "record".to_owned() };
    attestations.begin(&challenge, &pending, NOW.plus(HOUR)).await.unwrap();
    let taken: PendingAttestation<String> = attestations.take(&challenge, NOW).await.unwrap().unwrap();
    assert_eq!((taken.user, taken.record), (pending.user, pending.record.clone()));
    assert!(attestations.take::<String>(&challenge, NOW).await.unwrap().is_none());
    attestations.begin(&challenge, &pending, NOW.plus(HOUR)).await.unwrap();
    assert!(attestations.take::<String>(&challenge, NOW.plus(HOUR)).await.unwrap().is_none());
}

#[tokio::test]
async fn devices_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    for (name, test) in [("devices", 0), ("attestations", 1)] {
        let url = format!("sqlite:{}", directory.path().join(name).display());
        let database = Database::open(&url).await.unwrap();
        if test == 0 { devices(&database).await } else { attestations(&database).await }
    }
}

#[tokio::test]
async fn devices_on_postgres() {
    let postgres = Postgres::start().await;
    devices(&Database::open(&postgres.database("devices").await).await.unwrap()).await;
    attestations(&Database::open(&postgres.database("attestations").await).await.unwrap()).await;
}
