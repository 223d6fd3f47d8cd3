//! The databases on which the service is tried. Each scene has one of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use super::door::Door;
use super::scene::Scene;
use crate::postgres::Postgres;
use crate::rig::Rig;

pub enum Ground {
    Sqlite,
    /// The server, the test's name among its databases, and how many it has made.
    Postgres(Postgres, &'static str, AtomicU32),
}

impl Ground {
    pub async fn postgres(name: &'static str) -> Self {
        Self::Postgres(Postgres::start().await, name, AtomicU32::new(0))
    }

    pub async fn rig(&self) -> Rig {
        match self {
            Self::Sqlite => Rig::start().await,
            Self::Postgres(server, name, made) => {
                let number = made.fetch_add(1, Ordering::Relaxed);
                Rig::start_on(server.database(&format!("pin_reset_{name}_{number}")).await).await
            }
        }
    }

    pub async fn hpke(&self) -> Scene {
        self.scene("hpke-p256").await
    }

    pub async fn blind(&self) -> Scene {
        self.scene("blind-p256").await
    }

    pub async fn scene(&self, protocol: &str) -> Scene {
        Scene::at(self.rig().await, Door::Here, protocol).await
    }
}

/// Makes tests of these cases: of each on SQLite, and of all on one Postgres.
macro_rules! on_both {
    ($name:literal: $($case:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(&crate::pin_reset::ground::Ground::Sqlite).await;
            })*
        }

        #[tokio::test]
        async fn on_postgres() {
            let ground = crate::pin_reset::ground::Ground::postgres($name).await;
            $($case(&ground).await;)*
        }
    };
}

pub(super) use on_both;
