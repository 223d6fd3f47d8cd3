//! What lies in the memory of a running program: what a core dump of it would hold. Reading it needs root, because the
//! program does not let its user do that.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use memchr::memmem;

/// A region and what it held.
pub struct Region {
    /// Its line in `/proc/PID/maps`.
    pub name: String,
    bytes: Vec<u8>,
}

/// Everything that the program can write to.
///
/// # Panics
/// When the program is gone or may not be looked at.
#[must_use]
pub fn of(pid: u32) -> Vec<Region> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("the program runs");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("only root looks at a program's memory");
    let mut regions = Vec::new();
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw")))
    {
        let (from, rest) = line.split_once('-').expect("a range");
        let (to, _) = rest.split_once(' ').expect("a range");
        let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).expect("an address"));
        let mut bytes = vec![0; usize::try_from(to - from).expect("a size")];
        // Some regions belong to the kernel.
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            regions.push(Region { name: line.to_owned(), bytes });
        }
    }
    regions
}

/// A core dump of the running program, as a debugger takes it: its memory, and the registers of each thread.
///
/// # Panics
/// When the debugger (package gdb) is missing or may not look at the program.
#[must_use]
pub fn core_dump(pid: u32, scratch: &Path) -> Vec<Region> {
    let prefix = scratch.join("core");
    let taken = Command::new("gcore").arg("-o").arg(&prefix).arg(pid.to_string()).output();
    let taken = taken.unwrap_or_else(|error| panic!("gcore (package gdb): {error}"));
    let file = prefix.with_extension(pid.to_string());
    let bytes =
        fs::read(&file).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&taken.stderr)));
    fs::remove_file(file).expect("it was just written");
    vec![Region { name: "core dump".to_owned(), bytes }]
}

/// Where `needle` lies: the region, and how far into it.
#[must_use]
pub fn find(regions: &[Region], needle: &[u8]) -> Vec<String> {
    let finder = memmem::Finder::new(needle);
    let found = regions.iter().filter_map(|region| Some((region, finder.find(&region.bytes)?)));
    found.map(|(region, at)| format!("{} + {at:#x}", region.name)).collect()
}
