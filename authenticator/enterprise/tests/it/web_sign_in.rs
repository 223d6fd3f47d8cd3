//! A person signs in at the provider's pages while the device waits.

use std::fs;
use std::sync::mpsc::channel;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use latchkey_enterprise::http::{Http, HttpError, Origin};
use latchkey_enterprise::web_sign_in::{
    AllowedUrls, Purpose, SignInError, SignInRequest, SignedIn, Told, Way, sign_in,
};
use latchkey_tests::http::{Answer, Connection};
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::people::{self, People};
use latchkey_tests::programs;
use latchkey_tests::totp::App;
use latchkey_tests::visitor::Visitor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Builder;

/// A serving provider with people, and the port that it serves on.
struct Scene {
    _idp: Idp,
    place: IdpPlace,
    people: People,
    port: u16,
    _folder: TempDir,
}

impl Scene {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let port = programs::free_port();
        let database = format!("sqlite:{}", folder.path().join("idp.db").display());
        let place = IdpPlace::on(&database, folder.path(), port);
        let people = people::settle(&place, 1).people;
        let idp = Idp::start(&place, &folder.path().join("log"));
        Self { _idp: idp, place, people, port, _folder: folder }
    }

    fn visitor(&self) -> Visitor {
        Visitor::new(Connection::open(self.port).expect("the provider listens"))
    }

    /// Types the password and the authenticator app's code into the pages, from the page that asks who it is.
    fn type_both(&self, visitor: &mut Visitor, page: &Answer) -> Answer {
        let People { password, app, .. } = &self.people;
        let page = visitor.submit(page, "user", &[("loginfmt", &app.name)]).expect("a page");
        let page = visitor.submit(&page, "password", &[("passwd", password)]).expect("a page");
        let code = App::scan(&app.link).code();
        visitor.submit(&page, "code", &[("otc", &code)]).expect("a page")
    }

    /// Signs in as the device does; `person` plays the browser with what was told.
    fn sign_in(
        &self,
        way: Way,
        person: impl FnOnce(&Self, &[String]) + Send,
    ) -> Result<SignedIn, SignInError> {
        let (tell, told) = channel::<Vec<String>>();
        thread::scope(|scope| {
            scope.spawn(move || {
                if let Ok(told) = told.recv() {
                    person(self, &told);
                }
            });
            let allowed = AllowedUrls::default();
            let request = SignInRequest {
                purpose: Purpose::DeviceRegistration,
                tenant: None,
                login_hint: None,
                allowed: &allowed,
            };
            let http = Http::new(Origin::parse(&self.place.url).expect("an origin"), None).expect("a client");
            let mut hears = |told: Told<'_>| {
                let said = match told {
                    Told::Opened => vec![],
                    Told::Open(page) => vec![page.to_string()],
                    Told::Code { page, code, .. } => vec![page.to_string(), code.to_owned()],
                };
                tell.send(said).expect("the person listens");
            };
            let mut rng = UnwrapErr(SysRng);
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let signed_in = runtime.block_on(sign_in(&http, &request, way, &mut rng, &mut hears));
            drop(tell);
            signed_in
        })
    }
}

/// The path and query of a URL of the provider.
fn path(url: &str) -> String {
    let (_, rest) = url.split_once("://").expect("a URL");
    format!("/{}", rest.split_once('/').map_or("", |(_, path)| path))
}

/// What the provider put into an access token.
fn claims(signed_in: &SignedIn) -> Value {
    let payload = signed_in.access_token.expose().split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("claims")
}

/// Goes where an answer of the provider sends the browser: to the device.
fn follow(answer: &Answer) -> Answer {
    let location = answer.header("location").expect("it sends the browser on");
    let port = location.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split(['/', '?']).next());
    let port = port.and_then(|port| port.parse().ok()).expect("to this machine");
    let path = location.split_once('?').map(|(_, query)| format!("/?{query}")).expect("with an answer");
    Connection::open(port).expect("the device listens").get(&path, &[]).expect("it answers")
}

fn is_fresh(signed_in: &SignedIn) {
    let claims = claims(signed_in);
    assert_eq!(claims["aud"], Purpose::DeviceRegistration.resource(), "{claims}");
    let amr = claims["amr"].as_array().expect("it says how").clone();
    assert!(amr.contains(&json!("ngcmfa")), "{claims}");
}

#[test]
fn in_a_browser_with_two_factors() {
    let scene = Scene::start();
    let signed_in = scene.sign_in(Way::PrintedUrl, |scene, told| {
        let mut visitor = scene.visitor();
        let page = visitor.get(&path(&told[0])).expect("a page");
        let page = scene.type_both(&mut visitor, &page);
        let answer = visitor.submit(&page, "stay", &[("LoginOptions", "3")]).expect("an answer");
        let shown = follow(&answer);
        assert!(shown.text().contains("You are signed in"), "{}", shown.text());
    });
    let signed_in = signed_in.expect("somebody signed in");
    assert_eq!(signed_in.person.user_name, scene.people.app.name);
    assert_eq!(signed_in.person.tenant.to_string(), scene.place.tenant);
    assert!(signed_in.refresh_token.is_some() && signed_in.lifetime.as_secs() > 60);
    is_fresh(&signed_in);
}

#[test]
fn by_a_code_in_another_browser() {
    let scene = Scene::start();
    let signed_in = scene.sign_in(Way::DeviceCode, |scene, told| {
        let mut visitor = scene.visitor();
        let page = visitor.get(&path(&told[0])).expect("a page");
        let page = visitor.submit(&page, "device-code", &[("otc", &told[1])]).expect("a page");
        let page = scene.type_both(&mut visitor, &page);
        let page = visitor.submit(&page, "stay", &[("LoginOptions", "3")]).expect("a page");
        let page = visitor.submit(&page, "device-confirm", &[("answer", "accept")]).expect("a page");
        assert!(page.text().contains("data-accepted=\"true\""), "{}", page.text());
    });
    let signed_in = signed_in.expect("somebody signed in");
    assert_eq!(signed_in.person.user_name, scene.people.app.name);
    is_fresh(&signed_in);
}

#[test]
fn who_says_no_at_the_page_stops_the_device() {
    let scene = Scene::start();
    let declined = scene.sign_in(Way::DeviceCode, |scene, told| {
        let mut visitor = scene.visitor();
        let page = visitor.get(&path(&told[0])).expect("a page");
        let page = visitor.submit(&page, "device-code", &[("otc", &told[1])]).expect("a page");
        let page = scene.type_both(&mut visitor, &page);
        let page = visitor.submit(&page, "stay", &[("LoginOptions", "3")]).expect("a page");
        let _page = visitor.submit(&page, "device-confirm", &[("answer", "decline")]).expect("a page");
    });
    let declined = declined.expect_err("nobody signed in");
    assert!(matches!(declined, SignInError::Declined { .. }), "{declined}");
}

#[test]
fn an_answer_of_another_provider_is_not_taken() {
    let scene = Scene::start();
    let mixed_up = scene.sign_in(Way::PrintedUrl, |_scene, told| {
        let page = &told[0];
        let state = latchkey_tests::http::parameter(page, "state").expect("a state");
        let redirect = latchkey_tests::http::parameter(page, "redirect_uri").expect("a redirect URI");
        let port = redirect.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let path = format!("/?code=stolen&state={state}&iss=https%3A%2F%2Fevil.test%2F");
        let shown = Connection::open(port).expect("it listens").get(&path, &[]).expect("it answers");
        assert!(shown.status == 200);
    });
    let mixed_up = mixed_up.expect_err("nobody signed in");
    assert!(matches!(mixed_up, SignInError::OtherIssuer(_)), "{mixed_up}");
}

#[test]
fn a_provider_counts_with_the_right_ca_only() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let place = IdpPlace::init(folder.path(), programs::free_port());
    let _idp = Idp::start(&place, &folder.path().join("log"));
    let other = folder.path().join("other");
    fs::create_dir(&other).expect("a folder can be made");
    let stranger = IdpPlace::init(&other, programs::free_port());
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ask = |ca: Option<&IdpPlace>| {
        let ca = ca.map(|place| fs::read(place.ca()).expect("it has a CA"));
        let origin = Origin::parse(&place.url).expect("an origin");
        let http = Http::new(origin, ca.as_deref()).expect("a client");
        let url = http.origin().at("/common/v2.0/.well-known/openid-configuration");
        runtime.block_on(async { http.get(&url, None).await.map(|answer| answer.status()) })
    };
    assert_eq!(ask(Some(&place)).expect("it answers"), 200);
    for wrong in [None, Some(&stranger)] {
        assert!(matches!(ask(wrong), Err(HttpError::Unreachable { .. })));
    }
}
