//! Whatever forms are sent in whatever order: nobody reaches a code without the proofs that the policy asks for.
//!
//! The model is deliberately generous: it credits a proof whenever the right secret of a user was sent to a sign-in, whether
//! the page wanted it or not. So each code that it does not expect is one too many.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use latchkey_idp::access_pass::PassOptions;
use latchkey_idp::domain::TenantPolicy;
use latchkey_idp::sign_in::{add_totp, issue_pass};
use latchkey_idp::strength::{Method, Strength};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};

use crate::browser::{Browser, Page, Passkey};
use crate::rig::{Rig, URL, claims};
use crate::sign_in::{NAME, PASSWORD, code_at, rig, seed};

const BOB: &str = "bob@example.org";
const BOBS_PASSWORD: &str = "a password of bob's";
const STRENGTHS: [Strength; 4] =
    [Strength::SingleFactor, Strength::Multifactor, Strength::Passwordless, Strength::PhishingResistant];

/// Alice has a password, an app, a passkey and a pass; Bob has a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Alice,
    Bob,
}

#[derive(Clone, Copy, Debug)]
enum Move {
    /// What the page asks for, rightly, as this user.
    Follow(Who),
    Send(Form),
    View(&'static str),
    /// The next moves are on the page before.
    Back,
    Begin(Kind),
}

/// A form, whether the page has it or not.
#[derive(Clone, Copy, Debug)]
enum Form {
    Name(Option<Who>),
    Password(Option<Who>),
    Code(bool),
    Passkey,
    Pass(bool),
    Consent(bool),
    Stay,
    Pick,
    Way(&'static str),
    /// "Not now", of the page with this step.
    Later(&'static str),
}

/// An authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Silent,
    Login,
    MaxAge,
    Select,
}

/// What was shown to one sign-in.
#[derive(Clone, Default)]
struct Shown(BTreeMap<Who, BTreeSet<Method>>);

impl Shown {
    fn show(&mut self, who: Who, method: Method) {
        self.0.entry(who).or_default().insert(method);
    }

    /// Whether it is enough for this user, by the words of the policy.
    fn is_enough(&self, who: Who, asked: Strength) -> bool {
        let shown = self.0.get(&who).cloned().unwrap_or_default();
        let has = |method| shown.contains(&method);
        let strength = if has(Method::Passkey) {
            Some(Strength::PhishingResistant)
        } else if has(Method::AccessPass) || (has(Method::Password) && has(Method::Totp)) {
            Some(Strength::Multifactor)
        } else if has(Method::Password) || has(Method::Totp) {
            Some(Strength::SingleFactor)
        } else {
            None
        };
        // Who has an app is asked for its code.
        let least = if who == Who::Alice { Strength::Multifactor } else { Strength::SingleFactor };
        strength >= Some(asked.max(least))
    }
}

struct World {
    rig: Rig,
    browser: Browser,
    passkey: Passkey,
    pass: String,
    asked: Strength,
    page: Option<Page>,
    before: Option<Page>,
    /// By the sign-in's `ctx`.
    shown: BTreeMap<String, Shown>,
    session: Shown,
    consented: BTreeSet<Who>,
    codes: usize,
}

impl World {
    async fn new(asked: Strength) -> Self {
        let rig = rig().await;
        let policy = TenantPolicy { offer_passkey: false, ..TenantPolicy::default() };
        rig.database.tenants().set_policy(rig.tenant, &policy).await.unwrap();
        rig.user_with_password(rig.tenant, BOB, BOBS_PASSWORD).await;
        add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
        let options = PassOptions { once: false, ..PassOptions::default() };
        let pass = issue_pass(&rig.provider, rig.user.id, &options).await.unwrap();
        rig.register(rig.web, |registration| registration.strength = asked).await;
        let (browser, passkey) = (Browser::new(&rig), Passkey::enrol(&rig).await);
        let (shown, session, consented) = (BTreeMap::new(), Shown::default(), BTreeSet::new());
        let pass = pass.expose().to_owned();
        let (page, before) = (None, None);
        Self { rig, browser, passkey, pass, asked, page, before, shown, session, consented, codes: 0 }
    }

    async fn play(&mut self, next: Move) {
        if let Move::Begin(kind) = next {
            return self.begin(kind).await;
        }
        let Some(page) = self.page.take() else { return self.begin(Kind::Plain).await };
        let ctx = page.field("ctx");
        match next {
            Move::Follow(who) => {
                let step = [
                    "user",
                    "password",
                    "code",
                    "passkey",
                    "pass",
                    "consent",
                    "stay",
                    "account",
                    "new-passkey",
                ]
                .into_iter()
                .find(|step| page.html.contains(&format!("name=\"step\" value=\"{step}\"")));
                let form = match step.unwrap_or_default() {
                    "user" => Form::Name(Some(who)),
                    "password" => Form::Password(Some(who)),
                    "code" => Form::Code(true),
                    "passkey" => Form::Passkey,
                    "pass" => Form::Pass(true),
                    "consent" => Form::Consent(true),
                    "account" => Form::Pick,
                    "new-passkey" => Form::Later("new-passkey"),
                    _ => Form::Stay,
                };
                let sent = self.send(&page, &ctx, form).await;
                self.see(sent, &ctx, page).await;
            }
            Move::View(view) => {
                let path = format!("/{}/login?ctx={ctx}&view={view}", self.rig.tenant);
                let shown = self.browser.get(&path).await;
                if view == "user" && shown.status == 200 {
                    self.shown.insert(ctx.clone(), Shown::default());
                }
                self.see(shown, &ctx, page).await;
            }
            Move::Back => self.page = self.before.replace(page),
            Move::Send(form) => {
                let sent = self.send(&page, &ctx, form).await;
                self.see(sent, &ctx, page).await;
            }
            Move::Begin(_) => {}
        }
    }

    async fn begin(&mut self, kind: Kind) {
        self.rig.wait(Duration::from_secs(30));
        let more = match kind {
            Kind::Plain => ("extra", "x"),
            Kind::Silent => ("prompt", "none"),
            Kind::Login => ("prompt", "login"),
            Kind::MaxAge => ("max_age", "10"),
            Kind::Select => ("prompt", "select_account"),
        };
        let page = self.browser.authorize(&self.rig, &[("scope", "openid api://files/Read"), more]).await;
        let of_session = matches!(kind, Kind::Plain | Kind::Silent);
        let shown = if of_session { self.session.clone() } else { Shown::default() };
        if page.status == 200 && page.html.contains("name=\"ctx\"") {
            self.shown.insert(page.field("ctx"), shown);
            self.before = self.page.replace(page);
        } else if page.location.is_some() {
            self.answered(&page, shown).await;
        }
    }

    /// Sends a form, and credits what it shows.
    async fn send(&mut self, page: &Page, ctx: &str, form: Form) -> Page {
        let shown = self.shown.entry(ctx.to_owned()).or_default();
        let (step, field, value) = match form {
            Form::Name(who) => {
                let name = who.map_or("nobody@example.org", |who| if who == Who::Alice { NAME } else { BOB });
                ("user", "loginfmt", name.to_owned())
            }
            Form::Password(who) => {
                let password = match who {
                    Some(Who::Alice) => PASSWORD,
                    Some(Who::Bob) => BOBS_PASSWORD,
                    None => "wrong",
                };
                if let Some(who) = who {
                    shown.show(who, Method::Password);
                }
                ("password", "passwd", password.to_owned())
            }
            Form::Code(right) => {
                // A new one each time, since each is good once.
                self.rig.wait(Duration::from_secs(30));
                let code = if right { code_at(self.rig.now().seconds()) } else { "000000".to_owned() };
                if right {
                    shown.show(Who::Alice, Method::Totp);
                }
                ("code", "otc", code)
            }
            Form::Passkey => {
                let asks = page.html.contains("data-options=\"{") && !page.html.contains("new-passkey-form");
                let options = asks.then(|| page.attribute("data-options"));
                let credential = options.map(|options| self.passkey.sign(&options, URL)).unwrap_or_default();
                if !credential.is_empty() {
                    shown.show(Who::Alice, Method::Passkey);
                }
                ("passkey", "credential", credential)
            }
            Form::Pass(right) => {
                if right {
                    shown.show(Who::Alice, Method::AccessPass);
                }
                ("pass", "accesspass", if right { self.pass.clone() } else { "AAAA2222".to_owned() })
            }
            Form::Consent(yes) => {
                if yes && page.html.contains("name=\"step\" value=\"consent\"") {
                    self.consented.extend(shown.0.keys().copied());
                }
                ("consent", "answer", if yes { "accept" } else { "decline" }.to_owned())
            }
            Form::Pick => ("account", "account", self.rig.user.id.to_string()),
            Form::Way(way) => ("way", "way", way.to_owned()),
            Form::Later(step) => (step, "answer", "later".to_owned()),
            Form::Stay => ("stay", "LoginOptions", "3".to_owned()),
        };
        let answer = self.browser.submit(page, step, &[(field, &value)]).await;
        // From here on it is another's sign-in, and what was shown before counts no more; picking the session's account
        // brings what the session showed.
        let anew = match step {
            "user" => Some(Shown::default()),
            "account" => Some(self.session.clone()),
            _ => None,
        };
        if let Some(anew) = anew.filter(|_| answer.status < 400) {
            self.shown.insert(ctx.to_owned(), anew);
        }
        answer
    }

    /// The page that follows; an error page leaves the one before.
    async fn see(&mut self, page: Page, ctx: &str, last: Page) {
        if page.location.is_some() {
            let shown = self.shown.get(ctx).cloned().unwrap_or_default();
            self.answered(&page, shown).await;
        } else if page.status == 200 && page.html.contains("name=\"ctx\"") {
            self.page = Some(page);
            self.before = Some(last);
        } else {
            self.page = Some(last);
        }
    }

    /// The client is answered. If it is a code, it is rightly one.
    async fn answered(&mut self, page: &Page, shown: Shown) {
        let answer = page.answer();
        let Some(code) = answer.get("code") else { return };
        let token = claims(&self.rig.redeem(code).await.ok()["id_token"]);
        let who = if token["oid"] == self.rig.user.id.to_string() { Who::Alice } else { Who::Bob };
        assert!(shown.is_enough(who, self.asked), "a code for {who:?}, who showed {:?}", shown.0);
        assert!(self.consented.contains(&who), "{who:?} did not consent");
        self.codes += 1;
        self.session = Shown([(who, shown.0[&who].clone())].into());
    }
}

fn moves() -> impl Strategy<Value = Move> {
    let who = || prop_oneof![3 => Just(Who::Alice), 2 => Just(Who::Bob)];
    let way = prop_oneof![Just("passkey"), Just("password"), Just("code"), Just("pass")];
    let later = prop_oneof![Just("new-passkey"), Just("enrol"), Just("change-password")];
    let kind = prop_oneof![
        Just(Kind::Plain),
        Just(Kind::Silent),
        Just(Kind::Login),
        Just(Kind::MaxAge),
        Just(Kind::Select)
    ];
    prop_oneof![
        12 => who().prop_map(Move::Follow),
        2 => proptest::option::of(who()).prop_map(Form::Name).prop_map(Move::Send),
        2 => proptest::option::of(who()).prop_map(Form::Password).prop_map(Move::Send),
        2 => any::<bool>().prop_map(Form::Code).prop_map(Move::Send),
        2 => Just(Move::Send(Form::Passkey)),
        1 => any::<bool>().prop_map(Form::Pass).prop_map(Move::Send),
        1 => any::<bool>().prop_map(Form::Consent).prop_map(Move::Send),
        2 => Just(Move::Send(Form::Stay)),
        1 => Just(Move::Send(Form::Pick)),
        1 => later.prop_map(Form::Later).prop_map(Move::Send),
        2 => way.prop_map(Form::Way).prop_map(Move::Send),
        2 => prop_oneof![Just(""), Just("user"), Just("ways")].prop_map(Move::View),
        1 => Just(Move::Back),
        2 => kind.prop_map(Move::Begin),
    ]
}

#[test]
fn no_order_of_forms_reaches_a_code_without_its_proofs() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let reached = Cell::new(0);
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let all = (0..STRENGTHS.len(), proptest::collection::vec(moves(), 4..28));
    let outcome = TestRunner::new(config).run(&all, |(strength, moves)| {
        let codes = runtime.block_on(async {
            let mut world = World::new(STRENGTHS[strength]).await;
            for next in moves {
                world.play(next).await;
            }
            world.codes
        });
        reached.set(reached.get() + codes);
        Ok(())
    });
    outcome.unwrap();
    // Else the walk has lost its way, and shows nothing.
    assert!(reached.get() >= 5, "{} codes", reached.get());
}
