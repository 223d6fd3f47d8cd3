//! Numbers that only grow, so that what is older than something seen before is known.

use super::Error;
use super::database::{Pool, values};

/// Numbers that only grow.
pub struct HighMarks<'a>(pub(super) &'a Pool);

impl HighMarks<'_> {
    /// The highest number so far.
    pub async fn find(&self, name: &str) -> Result<Option<i64>, Error> {
        let row = self.0.row("SELECT value FROM high_marks WHERE name = $1", values![name]).await?;
        row.map(|row| row.int(0)).transpose()
    }

    /// Keeps a number. Whether it is at least as high as the highest, also of those that other processes kept.
    pub async fn raise(&self, name: &str, value: i64) -> Result<bool, Error> {
        let kept = self
            .0
            .write(
                "INSERT INTO high_marks (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = $2 WHERE high_marks.value <= $2",
                values![name, value],
            )
            .await?;
        Ok(kept > 0)
    }
}
