//! One sample a page: what tests render and what the preview shows. Every text that comes from people needs escaping.

use url::Url;

use super::config::{Config, FidoConfig, Helpers, PageId, Problem, UserProof};
use super::*;
use crate::clock::UnixTime;

mod admin;
mod own;

/// What people may have typed.
const APPLICATION: &str = "Field notes & \"drafts\" <b>";
const USER: &str = "o'neil+<b>@contoso.example";
const REDIRECT: &str = "https://notes.example/signed-in?a=1&b=2";
const OTHER_WAYS: &str = "/common/ways?ctx=1&x=\"<b>";
const REQUEST: &str = r#"{"publicKey":{"challenge":"3q2-7w","timeout":300000,"rpId":"localhost","allowCredentials":[],"userVerification":"required"}}"#;
const CREATION: &str = r#"{"publicKey":{"challenge":"3q2-7w","rp":{"id":"localhost","name":"Latchkey ID"},"user":{"id":"AQID","name":"<b>\"&'","displayName":"x"},"pubKeyCredParams":[{"type":"public-key","alg":-7}],"authenticatorSelection":{"residentKey":"required","userVerification":"required"}}}"#;

pub(super) fn when(seconds: i64) -> When {
    When::at(UnixTime::from_seconds(1_790_000_000 + seconds))
}

impl Flow {
    pub(super) fn sample() -> Self {
        Self {
            action: "https://id.example/11111111-2222-4333-8444-555555555555/login".to_owned(),
            ctx: "ctx-of-the-sign-in".to_owned(),
            flow_token: "flow-token-of-the-step".to_owned(),
            canary: "canary-of-the-browser".to_owned(),
        }
    }
}

impl Config {
    pub(super) fn sample(page: PageId) -> Self {
        let helpers = Helpers {
            credential_type: Some("https://id.example/common/GetCredentialType".to_owned()),
            resume: Some("https://id.example/common/resume?ctx=1&step=<b>".to_owned()),
            poll_attempts: Some(60),
            ..Helpers::default()
        };
        let session = "0f0e0d0c-1111-4222-8333-444444444444".to_owned();
        let correlation = "5a1c1a52-0a44-4b63-9c05-5f0d9c1f2b11".to_owned();
        let mut config = Self::new(page, &Flow::sample(), session, correlation);
        config.helpers = helpers;
        config
    }

    pub(super) fn sample_with_everything() -> Self {
        let fido = FidoConfig {
            challenge: "O.eyJ0eXAiOiJKV1QifQ".to_owned(),
            cross_domain_canary: "cross".to_owned(),
            allow_list: vec!["AAEC+/8=".to_owned()],
            allowed_identities: 2,
            enabled: true,
        };
        let proof = UserProof {
            method: "PhoneAppOTP".to_owned(),
            data: "PhoneAppOTP".to_owned(),
            display: "</script><b>//]]>".to_owned(),
            default: true,
        };
        let mut config = Self::sample(PageId::SecondFactor);
        config.fido = Some(fido);
        config.proofs = vec![proof];
        config.problem = Some(Problem::new(50126, "Wrong & <b>old</b>", "AADSTS50126"));
        config
    }
}

impl Frame {
    pub(super) fn sample(page: Option<PageId>, notice: Option<Notice>) -> Self {
        Self { organisation: Some("Contoso <b> & Sons".to_owned()), notice, config: page.map(Config::sample) }
    }
}

impl Account {
    pub(super) fn sample() -> Self {
        Self { user_name: USER.to_owned(), change_url: Some("/common/resume?ctx=1&change=1".to_owned()) }
    }
}

impl SignInPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(Some(PageId::SignIn), None),
            flow: Flow::sample(),
            application: Some(APPLICATION.to_owned()),
            user_name: String::new(),
            passkey_options: Some(REQUEST.to_owned()),
            resume_url: "/common/resume?ctx=1".to_owned(),
            challenge_lifetime: 600,
            other_ways_url: Some(OTHER_WAYS.to_owned()),
        }
    }

    pub(super) fn sample_unknown_user() -> Self {
        let text = "We do not know this account. Check how it is written, or ask your administrator.";
        let notice = Notice::error(text, Some(50034));
        let frame = Frame::sample(Some(PageId::SignIn), Some(notice));
        Self { frame, user_name: USER.to_owned(), passkey_options: None, application: None, ..Self::sample() }
    }
}

impl AccountPickerPage {
    pub(super) fn sample() -> Self {
        let account = |id: &str, display_name: &str, user_name: &str, signed_in| KnownAccount {
            id: id.to_owned(),
            display_name: display_name.to_owned(),
            user_name: user_name.to_owned(),
            signed_in,
        };
        Self {
            frame: Frame::sample(Some(PageId::SignIn), None),
            flow: Flow::sample(),
            application: Some(APPLICATION.to_owned()),
            accounts: vec![
                account("a1", "Anna Berg", "anna@contoso.example", true),
                account("\"<b>", "O'Neil <b>", USER, false),
            ],
        }
    }
}

impl PasswordPage {
    pub(super) fn sample() -> Self {
        let text = "The account or the password is wrong. Check both, or use another way to sign in.";
        let notice = Notice::error(text, Some(50126));
        Self {
            frame: Frame::sample(Some(PageId::SignIn), Some(notice)),
            flow: Flow::sample(),
            account: Account::sample(),
            other_ways_url: Some(OTHER_WAYS.to_owned()),
        }
    }
}

impl CodePage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(Some(PageId::SecondFactor), None),
            flow: Flow::sample(),
            account: Account::sample(),
            digits: 6,
            other_ways_url: Some(OTHER_WAYS.to_owned()),
        }
    }
}

impl AccessPassPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(Some(PageId::SignIn), None),
            flow: Flow::sample(),
            account: Account::sample(),
            other_ways_url: None,
        }
    }
}

impl OtherWaysPage {
    pub(super) fn sample() -> Self {
        let kinds = [WayKind::Passkey, WayKind::Password, WayKind::Code, WayKind::AccessPass];
        let mut ways: Vec<OtherWay> = kinds.map(|kind| OtherWay { kind, hint: None }).into();
        ways[2].hint = Some("The app on \"phone\" <b>".to_owned());
        Self {
            frame: Frame::sample(Some(PageId::SecondFactor), None),
            flow: Flow::sample(),
            account: Some(Account::sample()),
            ways,
            back_url: "/common/resume?ctx=1".to_owned(),
        }
    }
}

impl PasskeyPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(Some(PageId::Fido), None),
            flow: Flow::sample(),
            account: Some(Account::sample()),
            options: REQUEST.to_owned(),
            start_at_once: false,
            resume_url: "/common/resume?ctx=1".to_owned(),
            challenge_lifetime: 300,
            other_ways_url: Some(OTHER_WAYS.to_owned()),
        }
    }
}

impl NewPasskeyPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(None, None),
            flow: Flow::sample(),
            account: Account::sample(),
            options: CREATION.to_owned(),
            required: false,
            occasion: Occasion::SignIn,
            resume_url: "/common/resume?ctx=1".to_owned(),
            challenge_lifetime: 300,
        }
    }
}

impl EnrolmentPage {
    pub(super) fn sample() -> Self {
        let address = "otpauth://totp/Contoso:anna%40contoso.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Contoso";
        let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
        let frame = Frame::sample(Some(PageId::ProofUp), None);
        let mut page = Self::new(frame, Flow::sample(), Account::sample(), address.to_owned(), secret);
        page.later = true;
        page
    }
}

impl ChangePasswordPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(Some(PageId::ChangePassword), None),
            flow: Flow::sample(),
            account: Account::sample(),
            ask_old: true,
            minimum_length: 12,
            occasion: Occasion::SignIn,
        }
    }
}

impl ConsentPage {
    pub(super) fn sample() -> Self {
        let scopes = ["openid", "offline_access", "https://graph.example/User.Read", "api://notes/<b>"];
        Self {
            frame: Frame::sample(Some(PageId::Consent), None),
            flow: Flow::sample(),
            account: Account::sample(),
            application: APPLICATION.to_owned(),
            publisher: None,
            destination: "notes.example".to_owned(),
            scopes: scopes.map(ScopeLine::of).into(),
            may_answer_for_everyone: true,
        }
    }
}

impl StaySignedInPage {
    pub(super) fn sample() -> Self {
        let frame = Frame::sample(Some(PageId::StaySignedIn), None);
        Self { frame, flow: Flow::sample(), account: Account::sample() }
    }
}

impl DeviceCodePage {
    pub(super) fn sample() -> Self {
        let notice =
            Notice::error("This code is wrong or too old. Get a new one on the device.", Some(70018));
        let frame = Frame::sample(None, Some(notice));
        Self { frame, flow: Flow::sample(), user_code: "BCDF-\"<b>".to_owned() }
    }
}

impl DeviceConfirmPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(None, None),
            flow: Flow::sample(),
            account: Account::sample(),
            application: APPLICATION.to_owned(),
            user_code: "BCDF-GHJK".to_owned(),
            address: "192.0.2.17".to_owned(),
            asked: when(0),
        }
    }
}

impl DeviceDonePage {
    pub(super) fn sample() -> Self {
        Self { frame: Frame::sample(None, None), application: APPLICATION.to_owned(), accepted: true }
    }
}

impl ErrorPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame { config: Some(Config::sample_with_everything()), ..Frame::default() },
            title: "This address is not registered".to_owned(),
            message: "“Field <b>notes</b>” wants you to go to an address that it has not registered."
                .to_owned(),
            advice: vec![
                "Nothing is wrong with your account.".to_owned(),
                "Tell the <b>owner</b> of the application to register the redirect URI.".to_owned(),
            ],
            code: 50011,
            trace_id: "7b8a1f0e-3c35-4d0c-8f62-0b7c1a7e1d00".to_owned(),
            correlation_id: "5a1c1a52-0a44-4b63-9c05-5f0d9c1f2b11".to_owned(),
            time: when(0),
            retry_url: Some("/?a=1&b=2".to_owned()),
        }
    }
}

impl FormPostPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::default(),
            action: Url::parse(REDIRECT).unwrap(),
            fields: vec![
                ("code".to_owned(), "0.AAAA-secret".to_owned()),
                ("state".to_owned(), "\"><script>alert(1)</script>".to_owned()),
            ],
        }
    }
}

impl ConfirmSignOutPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(None, None),
            account: Account { change_url: None, ..Account::sample() },
            csrf: Csrf("csrf-token-of-the-session".to_owned()),
            action: "/common/oauth2/v2.0/logout".to_owned(),
            fields: vec![("state".to_owned(), "\"<b>".to_owned())],
        }
    }
}

impl SignedOutPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(None, None),
            user_name: Some(USER.to_owned()),
            back: Some((APPLICATION.to_owned(), REDIRECT.to_owned())),
            front_channel: vec![Url::parse("https://notes.example/out?sid=1&iss=2").unwrap()],
        }
    }
}

impl HomePage {
    pub(super) fn sample() -> Self {
        Self { user_name: None, admin_url: None, security_url: None, ..Self::sample_signed_in() }
    }

    pub(super) fn sample_signed_in() -> Self {
        Self {
            frame: Frame { notice: Some(Notice::success("Your passkey is ready.")), ..Frame::default() },
            user_name: Some(USER.to_owned()),
            csrf: Csrf("csrf-token-of-the-session".to_owned()),
            sign_in_url: "/common/oauth2/v2.0/authorize?client_id=1&x=2".to_owned(),
            sign_out_url: "/sign-out".to_owned(),
            security_url: Some("/security".to_owned()),
            admin_url: Some("/admin/tenants".to_owned()),
            device_url: "/common/oauth2/deviceauth".to_owned(),
            discovery_url: "/common/v2.0/.well-known/openid-configuration".to_owned(),
        }
    }
}
