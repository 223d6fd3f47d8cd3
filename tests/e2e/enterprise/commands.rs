//! What the steps cost the TPM, from outside: `./run bench hello` prints the same list.

use latchkey_tests::tpm_costs::measure;

/// What `authenticator/DESIGN.md` says is above its ceiling, and why.
const ABOVE: [&str; 3] = [
    "certify, attestation key loaded",
    "provision: attested key, signed request",
    "boot seal: unlock, and the finger's protector",
];

#[test]
fn no_step_costs_the_tpm_more_than_the_design_allows() {
    let costs = measure();
    for cost in &costs {
        println!("{}: {} of {:?}: {:?}", cost.step, cost.commands.len(), cost.ceiling, cost.commands);
    }
    let above: Vec<_> = costs.iter().filter(|cost| cost.is_above()).map(|cost| cost.step).collect();
    assert_eq!(above, ABOVE);
}
