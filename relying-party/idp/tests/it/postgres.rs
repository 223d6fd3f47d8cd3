//! The rig's Postgres, for tests that run on tokio.

use std::sync::Arc;

use latchkey_tests::postgres as rig;
use tokio::task::spawn_blocking;

/// A server that ends with its value; or the one that `LATCHKEY_TEST_POSTGRES` names.
pub struct Postgres(Arc<rig::Postgres>);

impl Postgres {
    pub async fn start() -> Self {
        Self(Arc::new(spawn_blocking(rig::Postgres::start).await.unwrap()))
    }

    /// The URL of a new, empty database.
    pub async fn database(&self, name: &str) -> String {
        let (server, name) = (Arc::clone(&self.0), name.to_owned());
        spawn_blocking(move || server.database(&name)).await.unwrap()
    }
}
