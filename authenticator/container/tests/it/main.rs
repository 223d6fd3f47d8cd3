//! The container over the software provider: every rule on both sides.

#[cfg(test)]
mod biometrics;
#[cfg(test)]
mod classes;
#[cfg(test)]
mod compartments;
#[cfg(test)]
mod counts;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod interruption;
#[cfg(test)]
mod large_blobs;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod older_copy;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod pin_rules;
#[cfg(test)]
mod pins;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod recovery_refused;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod storage;
#[cfg(test)]
mod swapped;
#[cfg(test)]
mod tenant;
