//! A workspace's own losses, counted at night page by page. A page that comes twice counts once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::expression::{ABSENT, Expression, number};
use super::listing::Listing;
use super::table::{EXPIRES_AT, Key};
use super::{Result, Store};
use crate::domain::id::WorkspaceId;
use crate::domain::insight::churn::History;
use crate::domain::insight::losses::{Losses, add};
use crate::domain::time::Timestamp;

const PAGE: &str = "LOSSPAGE";
const KEPT: &str = "LOSSES";
/// How long the pages of a pass are kept; they are added up when it ends.
const PAGE_KEPT: Duration = Duration::from_hours(7 * 24);

#[derive(Serialize, Deserialize)]
struct Page {
    history: History,
}

impl Store {
    /// Keeps the counts of one page of a night's pass; `page` is its place.
    pub(crate) async fn put_loss_page(
        &self,
        workspace: WorkspaceId,
        night: Timestamp,
        page: &str,
        history: &History,
    ) -> Result<()> {
        let key = Key::new(workspace, PAGE, format_args!("{}#{page}", night.millis()));
        let mut item = key.item(&Page { history: *history })?;
        item.insert(EXPIRES_AT.to_owned(), number((night + PAGE_KEPT).seconds()));
        self.table.put(item, &Expression::default()).await?;
        Ok(())
    }

    /// Adds up the pages of a pass that is done, and keeps the sum in place of an earlier night's.
    pub(crate) async fn sum_losses(&self, workspace: WorkspaceId, night: Timestamp) -> Result<()> {
        let of_night = format!("{}#", night.millis());
        let pages: Vec<Page> =
            self.table.list_all(Listing::of(workspace, PAGE, &of_night, usize::MAX)).await?;
        let mut history = History::default();
        for page in &pages {
            add(&mut history, &page.history);
        }
        let older =
            Expression::only_if(format!("{ABSENT} OR #night < :night")).with("night", number(night.millis()));
        let item = Key::new(workspace, KEPT, "all").item(&Losses { night, history })?;
        self.table.put(item, &older).await?;
        Ok(())
    }

    /// What was counted last; nothing before the first night.
    pub(crate) async fn find_losses(&self, workspace: WorkspaceId) -> Result<History> {
        let found: Option<Losses> = self.table.find(&Key::new(workspace, KEPT, "all")).await?;
        Ok(found.map(|it| it.history).unwrap_or_default())
    }
}
