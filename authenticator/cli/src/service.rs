//! `latchkey service`: the daemon as a service of the user, and the machine's rule that lets it be a security key.
//!
//! The service belongs to the user, as the container does; the rule belongs to the machine, so root writes it, once.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::args::ServiceCommand;
use crate::failure::{Failure, FailureKind};
use crate::files;
use crate::output::Output;

/// Before 73-seat-late.rules, which reads the tag.
const RULE: &str = "/etc/udev/rules.d/70-latchkey.rules";
const MODULE: &str = "/etc/modules-load.d/latchkey.conf";
const UNIT: &str = "systemd/user/latchkey.service";

const RULE_TEXT: &str = "\
# Written by `latchkey service install --rule`: whoever sits at this machine may make HID devices, such as a virtual security key.
KERNEL==\"uhid\", SUBSYSTEM==\"misc\", OPTIONS+=\"static_node=uhid\", TAG+=\"uaccess\"
";
const MODULE_TEXT: &str = "# Written by `latchkey service install --rule`.\nuhid\n";

impl ServiceCommand {
    /// Writes or removes.
    pub fn run(&self, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Install { rule: true } => install_rule(output),
            Self::Install { rule: false } => install_unit(output),
            Self::Uninstall { rule: true } => uninstall(vec![RULE.into(), MODULE.into()], output),
            Self::Uninstall { rule: false } => uninstall(vec![unit()?], output),
        }
    }
}

fn install_rule(output: &Output) -> Result<(), Failure> {
    if !rustix::process::geteuid().is_root() {
        let text = "the rule is for the whole machine: run `sudo latchkey service install --rule`";
        return Err(Failure::new(FailureKind::Usage, text));
    }
    files::write(Path::new(MODULE), MODULE_TEXT.as_bytes(), 0o644)?;
    files::write(Path::new(RULE), RULE_TEXT.as_bytes(), 0o644)?;
    let text = format!(
        "Whoever sits at this machine may now make HID devices, keyboards too:\n  {RULE}\n  {MODULE}\n\
         Next: modprobe uhid && udevadm control --reload && udevadm trigger --name-match=uhid\n\
         Undo: latchkey service uninstall --rule"
    );
    output.told(&json!({ "installed": { "rule": RULE, "module": MODULE } }), &text);
    Ok(())
}

fn install_unit(output: &Output) -> Result<(), Failure> {
    let program = env::current_exe().map_err(|error| Failure::io("the path of this program", &error))?;
    let unit = unit()?;
    files::write(&unit, unit_text(&program)?.as_bytes(), 0o644)?;
    let rule = Path::new(RULE).exists();
    let first =
        if rule { "" } else { "First, once for this machine: sudo latchkey service install --rule\n" };
    let text = format!(
        "Installed the service:\n  {}\n{first}Next: systemctl --user daemon-reload && systemctl --user enable --now latchkey\n\
         Undo: latchkey service uninstall",
        unit.display()
    );
    output.told(&json!({ "installed": { "unit": unit }, "rule": rule }), &text);
    Ok(())
}

fn uninstall(written: Vec<PathBuf>, output: &Output) -> Result<(), Failure> {
    let removed = files::remove(written)?;
    output.told(&json!({ "removed": removed }), &files::removal(&removed));
    Ok(())
}

fn unit() -> Result<PathBuf, Failure> {
    let configuration = files::configuration()
        .ok_or_else(|| Failure::new(FailureKind::Usage, "set HOME to an absolute path"))?;
    Ok(configuration.join(UNIT))
}

/// systemd.service(5), systemd.exec(5). It asks by a window, so it lives as long as the session that has one.
fn unit_text(program: &Path) -> Result<String, Failure> {
    let program = program
        .to_str()
        .ok_or_else(|| Failure::new(FailureKind::Refused, "the program's path is not UTF-8 text"))?;
    // systemd.syntax(7): a percent sign and a dollar sign are doubled, quotes and backslashes escaped.
    let quoted: String = program
        .chars()
        .map(|character| match character {
            '%' | '$' => format!("{character}{character}"),
            '"' | '\\' => format!("\\{character}"),
            other => other.to_string(),
        })
        .collect();
    Ok(format!(
        "# Written by `latchkey service install`.\n\
         [Unit]\n\
         Description=Latchkey, a security key in this machine's TPM\n\
         PartOf=graphical-session.target\n\
         After=graphical-session.target\n\
         \n\
         [Service]\n\
         ExecStart=\"{quoted}\" up --uhid\n\
         Restart=on-failure\n\
         NoNewPrivileges=yes\n\
         UMask=0077\n\
         \n\
         [Install]\n\
         WantedBy=graphical-session.target\n"
    ))
}

#[cfg(test)]
mod tests;
