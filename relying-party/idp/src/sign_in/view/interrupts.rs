//! The pages between the proofs and the end.

use super::super::credentials::SHORTEST;
use super::super::flow::Flow;
use super::super::interrupts::Interrupt;
use super::super::problem::Stop;
use super::super::reply::Reply;
use super::seconds;
use crate::pages::config::PageId;
use crate::pages::{self, ChangePasswordPage, EnrolmentPage, Frame, NewPasskeyPage, Notice, Occasion};
use crate::passkeys::{self, Enrolment, LIFETIME, PasskeyRefused};

impl Flow<'_> {
    pub(super) async fn interrupt_page(
        &mut self,
        form: pages::Flow,
        notice: Option<Notice>,
        interrupt: Interrupt,
    ) -> Result<Reply, Stop> {
        match interrupt {
            Interrupt::App { later } => self.app_page(form, notice, later).await,
            Interrupt::Passkey { later } => self.asked_passkey_page(form, notice, later).await,
            Interrupt::Password { ask_old } => Ok(self.change_password_page(form, notice, ask_old)),
        }
    }

    async fn app_page(
        &mut self,
        form: pages::Flow,
        notice: Option<Notice>,
        later: bool,
    ) -> Result<Reply, Stop> {
        let user = self.account_of_proofs().await?;
        let issuer = self.tenant_of(&user).await?.name.clone();
        let secret = self.pending_app()?;
        let address = secret.otpauth(&issuer, &user.upn).to_string();
        let mut frame = self.frame(&form, PageId::ProofUp, notice);
        if let Some(config) = frame.config.as_mut().filter(|_| later) {
            let path = self.url(Some("later"));
            config.helpers.skip_enrolment = Some(format!("{}{path}", self.provider.settings.public_url()));
        }
        let mut page = EnrolmentPage::new(frame, form, self.account(), address, &secret.base32());
        page.later = later;
        Ok(Reply::page(&page, &self.policy(&page.frame)))
    }

    async fn asked_passkey_page(
        &self,
        form: pages::Flow,
        notice: Option<Notice>,
        later: bool,
    ) -> Result<Reply, Stop> {
        let user = self.account_of_proofs().await?;
        let actor = user.id.to_string();
        let enrolment = Enrolment { user: &user, place: self.ctx.expose(), actor: &actor };
        let begun = passkeys::begin(self.provider, &enrolment, LIFETIME).await.map_err(|refused| {
            if let PasskeyRefused::Storage(error) = refused {
                error.into()
            } else {
                Stop::NoPasskey(refused.to_string())
            }
        })?;
        let frame = self.frame(&form, PageId::Fido, notice);
        let page = NewPasskeyPage {
            // Brokers would take it for a page that asks for a passkey.
            frame: Frame { config: None, ..frame },
            flow: form,
            account: self.account(),
            options: begun.options.to_string(),
            required: !later,
            occasion: Occasion::SignIn,
            resume_url: self.url(None),
            challenge_lifetime: seconds(LIFETIME),
        };
        Ok(Reply::page(&page, &self.policy(&page.frame)))
    }

    fn change_password_page(&self, form: pages::Flow, notice: Option<Notice>, ask_old: bool) -> Reply {
        let page = ChangePasswordPage {
            frame: self.frame(&form, PageId::ChangePassword, notice),
            flow: form,
            account: self.account(),
            ask_old,
            minimum_length: u32::try_from(SHORTEST).unwrap_or(u32::MAX),
            occasion: Occasion::SignIn,
        };
        Reply::page(&page, &self.policy(&page.frame))
    }
}
