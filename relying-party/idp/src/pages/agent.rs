//! The program at the other end, in words.

use crate::domain::Device;

/// A browser by its `User-Agent`, well enough that people know their own again.
pub(crate) fn browser(agent: &str) -> String {
    // Whatever its owner calls it.
    if let Some(name) = agent.strip_prefix(Device::AGENT) {
        return format!("{name} (signed in to the device)");
    }
    // Later ones pretend to be the earlier ones too.
    let programs = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrom", "Chromium"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |table: &[(&str, &'static str)]| {
        table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&programs), find(&systems)) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        (None, _) if agent.is_empty() => "Unknown browser".to_owned(),
        (None, _) => agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn people_know_their_browser_again() {
        for (agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 Safari/537.36 Edg/140",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140 Mobile Safari/537.36",
                "Chromium on Android",
            ),
            ("curl/8.0", "curl/8.0"),
            ("Device Edgar's Linux", "Edgar's Linux (signed in to the device)"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(browser(agent), expected);
        }
    }
}
