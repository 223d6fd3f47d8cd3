//! The messages through the crate's public face.

#[cfg(test)]
mod bio_enrollment;
#[cfg(test)]
mod config;
#[cfg(test)]
mod generators;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod vectors;
