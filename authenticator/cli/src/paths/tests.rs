use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Paths;

fn paths(variables: &[(&str, &str)]) -> Option<Paths> {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    Paths::from_variables(|name| variables.get(name).map(PathBuf::from))
}

#[test]
fn the_xdg_directories_are_the_default() {
    let found = paths(&[("HOME", "/home/a"), ("XDG_RUNTIME_DIR", "/run/user/1")]).unwrap();
    assert_eq!(found.container(), Path::new("/home/a/.local/share/latchkey/container"));
    assert_eq!(found.control_socket(), Path::new("/run/user/1/latchkey/control.sock"));
    let found = paths(&[("HOME", "/home/a"), ("XDG_DATA_HOME", "/data")]).unwrap();
    assert_eq!(found.ctaphid_socket(), Path::new("/data/latchkey/run/ctaphid.sock"));
}

#[test]
fn latchkey_dir_takes_the_sockets_along() {
    let found =
        paths(&[("HOME", "/home/a"), ("XDG_RUNTIME_DIR", "/run/user/1"), ("LATCHKEY_DIR", "/l")]).unwrap();
    assert_eq!(found.runtime(), Path::new("/l/run"));
    let found = paths(&[("LATCHKEY_DIR", "/l"), ("LATCHKEY_RUNTIME_DIR", "/r")]).unwrap();
    assert_eq!(found.runtime(), Path::new("/r"));
}

#[test]
fn a_user_without_a_home_is_an_error() {
    assert!(paths(&[("XDG_RUNTIME_DIR", "/run/user/1")]).is_none());
}
