//! Rate limits, both sides of each.

use std::time::Duration;

use latchkey_site::{Limits, Rate, Settings};
use serde_json::json;

use crate::rig::{ORIGIN, Rig};

async fn strict() -> Rig {
    let mut settings = Settings::new(ORIGIN, None).unwrap();
    let wide = Rate { burst: 1_000, interval: Duration::from_secs(1) };
    settings.limits = Limits {
        pages: Rate { burst: 5, interval: Duration::from_secs(10) },
        calls: Rate { burst: 8, interval: Duration::from_secs(10) },
        user_name: Rate { burst: 3, ..wide },
    };
    Rig::with(settings).await
}

#[tokio::test]
async fn pages_by_address() {
    let rig = strict().await;
    let mut browser = rig.browser();
    for _ in 0..5 {
        assert_eq!(browser.get("/").await.status, 200);
    }
    let answer = browser.get("/").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "10"));
    assert!(answer.body.contains("Wait 10 seconds and try again."));
    // Files are not limited, and others are not affected.
    assert_eq!(browser.get("/static/site.css").await.status, 200);
    let mut other = rig.browser();
    other.address = "192.0.2.2:40000".parse().unwrap();
    assert_eq!(other.get("/").await.status, 200);
    rig.wait(Duration::from_secs(10));
    assert_eq!(browser.get("/").await.status, 200);
    assert_eq!(browser.get("/").await.status, 429);
}

#[tokio::test]
async fn calls_by_address() {
    let rig = strict().await;
    let mut browser = rig.browser();
    browser.get("/").await;
    for _ in 0..8 {
        browser.call("/api/sign-in/options", &json!({})).await.expect_ok();
    }
    let answer = browser.call("/api/sign-in/options", &json!({})).await;
    answer.expect_refused(429, "rate-limited");
    assert_eq!(answer.header("retry-after"), "10");
    assert_eq!(browser.form("/sign-out", "").await.status, 429);
    rig.wait(Duration::from_secs(10));
    browser.call("/api/sign-in/options", &json!({})).await.expect_ok();
}

#[tokio::test]
async fn ceremonies_by_user_name_from_whatever_address() {
    let rig = strict().await;
    for host in 1..=3 {
        let mut browser = rig.browser();
        browser.address = format!("192.0.2.{host}:40000").parse().unwrap();
        browser.get("/").await;
        browser.sign_in_options(Some("Alice")).await;
    }
    let mut browser = rig.browser();
    browser.address = "192.0.2.9:40000".parse().unwrap();
    browser.get("/").await;
    let named = |name: &str| json!({ "username": name });
    let answer = browser.call("/api/sign-in/options", &named("alice")).await;
    answer.expect_refused(429, "rate-limited");
    assert_eq!(answer.header("retry-after"), "1");
    // Another name, or none, goes through.
    browser.call("/api/sign-in/options", &named("bob")).await.expect_ok();
    browser.call("/api/sign-in/options", &json!({})).await.expect_ok();
    rig.wait(Duration::from_secs(1));
    browser.call("/api/sign-in/options", &named("alice")).await.expect_ok();
}
