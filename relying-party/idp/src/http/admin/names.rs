//! Names of whom entries of logs speak, each asked for once a page.

use std::collections::HashMap;

use crate::administration::{Administrator, Refused};

pub(super) struct Names<'a> {
    administrator: &'a Administrator<'a>,
    known: HashMap<String, String>,
}

impl<'a> Names<'a> {
    pub(super) fn of(administrator: &'a Administrator<'a>) -> Self {
        Self { administrator, known: HashMap::new() }
    }

    /// The name of whom or what an ID is; the ID itself, if nobody knows it.
    pub(super) async fn name(&mut self, id: &str) -> Result<String, Refused> {
        if let Some(name) = self.known.get(id) {
            return Ok(name.clone());
        }
        let name = self.administrator.name_of(id).await?.unwrap_or_else(|| id.to_owned());
        self.known.insert(id.to_owned(), name.clone());
        Ok(name)
    }
}
