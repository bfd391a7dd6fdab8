//! Cancelling, as a value that is passed down.

use tokio::sync::watch;

/// How urgent it is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Go on.
    #[default]
    None,
    /// Start nothing new, tidy up within seconds, keep what is finished.
    Soon,
    /// Leave at once.
    Now,
}

/// Says that the run is to end.
#[derive(Debug)]
pub struct Canceller {
    sender: watch::Sender<Urgency>,
}

/// Hears that the run is to end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cancel {
    receiver: watch::Receiver<Urgency>,
}

impl Canceller {
    /// One who says it, and one who hears it.
    #[must_use]
    pub fn new() -> (Self, Cancel) {
        let (sender, receiver) = watch::channel(Urgency::None);
        (Self { sender }, Cancel { receiver })
    }

    /// Asks to end: the first time soon, after that at once.
    pub fn cancel(&self) {
        self.sender.send_modify(|urgency| {
            *urgency = match urgency {
                Urgency::None => Urgency::Soon,
                Urgency::Soon | Urgency::Now => Urgency::Now,
            };
        });
    }
}

impl Cancel {
    /// One that never hears anything.
    #[must_use]
    pub fn never() -> Self {
        Canceller::new().1
    }

    /// How urgent it is now.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        *self.receiver.borrow()
    }

    /// Waits until it is at least so urgent.
    pub async fn at_least(&self, urgency: Urgency) {
        let mut receiver = self.receiver.clone();
        if receiver.wait_for(|now| *now >= urgency).await.is_err() {
            // Nobody is left who could cancel.
            std::future::pending::<()>().await;
        }
    }
}
