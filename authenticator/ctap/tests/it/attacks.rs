//! Attack classes on authenticators, and where each is refused. A test of this crate is named by its module; `crate:`
//! stands before one of another.
//!
//! | class | refused in | defence |
//! |---|---|---|
//! | A1 a client without authority resets, deletes, fills, or uses a touch twice (CTRAPS) | `attacks::a01_api_confusion`, `reset`, `capacity`, `consent`, `credential_management::deleting_asks_the_user_and_names_the_passkey` | `TokenSlot::spend`, `Authenticator::reset`, `make_sure_of_room`, `ask_consent`, `delete` |
//! | A2 tracking by silent probes, exclude lists, credProtect | `get_assertion::a_silent_probe_learns_nothing`, `make_credential::an_excluded_passkey_is_told_only_after_a_touch` | `get_assertion`, `check_exclusions` |
//! | A3 a man in the middle of the PIN's key agreement | `client_pin` (a new key after each wrong PIN), `cli: control`, `transports: unix` (own user only) | `checked`, `is_ours` |
//! | A4 half of a MAC | `bio_enrollment::each_defect_has_its_status`, `client_pin`, `hmac_secret`, `pin_protocol::tests` | `PinProtocol::verify` |
//! | A5 guessing the PIN across restarts and older files | `gesture`, `local`, `attacks::a09_rollback`, `container: pins`, `container: older_copy`, `e2e: crash` | `Authenticator::counted`, the TPM's PIN index |
//! | A6 a token for something else, too late, or of before | `token`, `model`, `bio_enrollment::life`, `token::tests` | `TokenSlot::authorise`, `observe`, `end_tokens` |
//! | A7 credential IDs of others, cut or changed | `get_assertion::a_passkey_of_another_site_does_not_sign`, `container: swapped` | `Place` in the seal's associated data |
//! | A8 keys at rest and in memory | `e2e: memory`, `cli: daemon` (not dumpable, locked), `tpm: contract` (no key leaves) | `hardening::apply`, `lock_memory` |
//! | A9 older state, counters | `attacks::a09_rollback`, `container: counts`, `container: older_copy` | `Store::reserve_counts`, `PinIndex` |
//! | A10 malformed CBOR | `malformed`, `protocol: cbor::tests`, `protocol: malformed`, `protocol: bio_enrollment` | `cbor::decode` |
//! | A11 channels: spoofing, floods, timeouts, cancels, locks | `cancel`, `interleaved`, `transports: device`, `transports: transactions`, `transports: properties` | `Channels`, `Device::begin`, `Device::tick` |
//! | A12 attestation that names the device | `make_credential::an_es256_passkey_attests_itself`, `attestation`, `attestation_certificate` | `attest`, `preferred` |
//! | A13 a sloppy client asks without verification | `make_credential::without_a_token_the_gesture_is_asked_for_here`, `get_assertion::without_a_token_the_gesture_is_asked_for_here` | `pin_can_be_tried`, alwaysUv |
//!
//! A8's keys and A3's sockets are the daemon's, so their tests are outside of this crate.

mod a01_api_confusion;
mod a09_rollback;
