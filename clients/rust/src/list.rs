//! Lists that are read page by page.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::error::Result;

/// A stream of items, fetched page by page as it is read; it ends after the first error.
///
/// ```no_run
/// # async fn show(study: asktell::Study) -> asktell::Result<()> {
/// let mut trials = study.trials();
/// while let Some(trial) = trials.next().await {
///     println!("{}", trial?.number());
/// }
/// let all = study.trials().collect().await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Items<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

impl<T> Items<T> {
    pub(crate) fn new(stream: impl Stream<Item = Result<T>> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// The next item; `None` at the end. This and [`Items::collect`] are for programs without a crate of stream
    /// combinators.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|context| self.0.as_mut().poll_next(context)).await
    }

    /// All that are left.
    ///
    /// # Errors
    ///
    /// The first one.
    pub async fn collect(mut self) -> Result<Vec<T>> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await {
            all.push(item?);
        }
        Ok(all)
    }
}

impl<T> Stream for Items<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}

/// Items of pages that `fetch` gets by their token, the first one by `token`.
pub(crate) fn pages<T, F, P>(mut token: String, fetch: F) -> Items<T>
where
    T: Send + 'static,
    F: Fn(String) -> P + Send + 'static,
    P: Future<Output = Result<(Vec<T>, String)>> + Send,
{
    Items::new(async_stream::try_stream! {
        loop {
            let (page, next) = fetch(token).await?;
            for item in page {
                yield item;
            }
            if next.is_empty() {
                break;
            }
            token = next;
        }
    })
}
