//! `./run demo`: the product on this machine. With a display it opens Chromium on the demo site; without one it
//! plays the journey in headless Chromium and narrates it.

fn main() {}
