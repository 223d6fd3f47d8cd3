//! What the TPM says about itself.

use latchkey_container::tpm::{KeyAlgorithm, Lockout, TpmClass};
use tss_esapi::Context;
use tss_esapi::constants::{AlgorithmIdentifier, CapabilityType, EccCurveIdentifier, PropertyTag};
use tss_esapi::structures::{CapabilityData, TaggedProperty};

use super::fault::Fault;

/// `TPM_PT_FIXED`: the first fixed property, and more than there are (TPM 2.0 Part 2 §6.13).
const FIXED: (u32, u32) = (0x100, 64);
/// `PT_VAR`: the first variable property, and more than there are.
const VARIABLE: (u32, u32) = (0x200, 32);
/// `TPMA_PERMANENT.inLockout` (TPM 2.0 Part 2 §8.6).
const IN_LOCKOUT: u32 = 1 << 9;

/// The first algorithm or curve, and more than there are.
const ALL: (u32, u32) = (0, 256);

/// Manufacturers whose TPMs are programs: libtpms (swtpm, QEMU), Microsoft's simulator and Hyper-V, `VMware`,
/// Google's and Amazon's clouds, the reference simulator of the TCG (TCG TPM Vendor ID Registry).
const VIRTUAL_MANUFACTURERS: [&str; 6] = ["IBM", "MSFT", "VMW", "GOOG", "AMZN", "XCG"];

/// The fixed facts about a TPM.
#[derive(Debug, Clone)]
pub struct Description {
    /// Hardware or virtual.
    pub class: TpmClass,
    /// Manufacturer, model and firmware.
    pub text: String,
}

/// Reads the fixed facts.
pub fn describe(context: &mut Context) -> Result<Description, Fault> {
    let properties = read(context, FIXED)?;
    let text_of = |tags: &[PropertyTag]| -> String {
        let bytes = tags.iter().flat_map(|tag| value(&properties, *tag).to_be_bytes());
        let text: String = bytes.filter(u8::is_ascii_graphic).map(char::from).collect();
        text
    };
    let manufacturer = text_of(&[PropertyTag::Manufacturer]);
    let model = text_of(&[
        PropertyTag::VendorString1,
        PropertyTag::VendorString2,
        PropertyTag::VendorString3,
        PropertyTag::VendorString4,
    ]);
    let firmware = value(&properties, PropertyTag::FirmwareVersion1);
    let class = if VIRTUAL_MANUFACTURERS.contains(&manufacturer.to_ascii_uppercase().as_str()) {
        TpmClass::Virtual
    } else {
        TpmClass::Hardware
    };
    Ok(Description { class, text: format!("{manufacturer} {model}, firmware {firmware:#010x}") })
}

/// The algorithms of user keys that the TPM has: the curve or RSA, the scheme and the hash (TPM 2.0 Part 2 §6.12).
pub fn key_algorithms(context: &mut Context) -> Result<Vec<KeyAlgorithm>, Fault> {
    let (curves, algorithms) = (curves(context)?, algorithms(context)?);
    let has = |wanted: &[AlgorithmIdentifier]| wanted.iter().all(|one| algorithms.contains(one));
    let made = |algorithm: &KeyAlgorithm| match algorithm {
        KeyAlgorithm::Es256 => {
            curves.contains(&EccCurveIdentifier::NistP256)
                && has(&[AlgorithmIdentifier::EcDsa, AlgorithmIdentifier::Sha256])
        }
        KeyAlgorithm::Es384 => {
            curves.contains(&EccCurveIdentifier::NistP384)
                && has(&[AlgorithmIdentifier::EcDsa, AlgorithmIdentifier::Sha384])
        }
        KeyAlgorithm::Rs256 => has(&[AlgorithmIdentifier::RsaSsa, AlgorithmIdentifier::Sha256]),
    };
    Ok(KeyAlgorithm::ALL.into_iter().filter(made).collect())
}

/// How many more transient objects fit now.
pub fn free_object_slots(context: &mut Context) -> Result<u32, Fault> {
    Ok(value(&read(context, VARIABLE)?, PropertyTag::HrTransientAvail))
}

/// Reads the dictionary-attack state.
pub fn lockout(context: &mut Context) -> Result<Lockout, Fault> {
    let properties = read(context, VARIABLE)?;
    Ok(Lockout {
        locked: value(&properties, PropertyTag::Permanent) & IN_LOCKOUT != 0,
        failures: value(&properties, PropertyTag::LockoutCounter),
        limit: value(&properties, PropertyTag::MaxAuthFail),
        recovery_seconds: value(&properties, PropertyTag::LockoutInterval),
    })
}

fn read(context: &mut Context, (first, count): (u32, u32)) -> Result<Vec<TaggedProperty>, Fault> {
    let (data, _more) = context.execute_without_session(|context| {
        context.get_capability(CapabilityType::TpmProperties, first, count)
    })?;
    Ok(if let CapabilityData::TpmProperties(list) = data { list.into_iter().collect() } else { Vec::new() })
}

fn curves(context: &mut Context) -> Result<Vec<EccCurveIdentifier>, Fault> {
    let (first, count) = ALL;
    let (data, _more) = context
        .execute_without_session(|context| context.get_capability(CapabilityType::EccCurves, first, count))?;
    Ok(if let CapabilityData::EccCurves(list) = data { list.into_inner() } else { Vec::new() })
}

fn algorithms(context: &mut Context) -> Result<Vec<AlgorithmIdentifier>, Fault> {
    let (first, count) = ALL;
    let (data, _more) = context.execute_without_session(|context| {
        context.get_capability(CapabilityType::Algorithms, first, count)
    })?;
    Ok(if let CapabilityData::Algorithms(list) = data {
        list.into_iter().map(|property| property.algorithm_identifier()).collect()
    } else {
        Vec::new()
    })
}

/// A property that the TPM does not report is zero.
fn value(properties: &[TaggedProperty], tag: PropertyTag) -> u32 {
    properties.iter().find(|property| property.property() == tag).map_or(0, TaggedProperty::value)
}
