//! The workers that hash, and their queue.

use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use argon2::Block;
use rand_core::CryptoRng;
use tokio::sync::oneshot;

use super::Password;
use super::hash::{Cost, PasswordHash};

const SIXTEEN: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// How large the pool is.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// How many passwords are hashed at the same time. Each takes a core and `cost.memory_kib`.
    pub workers: NonZeroUsize,
    /// How many wait. The last of them waits for `queue / workers` hashes.
    pub queue: NonZeroUsize,
    /// What a new hash costs.
    pub cost: Cost,
    /// What whoever finds the queue full is told to wait.
    pub retry_after: Duration,
}

impl PoolOptions {
    /// For a machine with so many cores: half of them hash, the others keep signing tokens. The last in the queue waits
    /// for sixteen hashes, well under the 3 s that some clients give a whole sign-in (idp-wire 1.10).
    #[must_use]
    pub fn for_cores(cores: NonZeroUsize) -> Self {
        let workers = NonZeroUsize::new(cores.get() / 2).unwrap_or(NonZeroUsize::MIN);
        let queue = workers.saturating_mul(SIXTEEN);
        Self { workers, queue, cost: Cost::OWASP, retry_after: Duration::from_secs(2) }
    }
}

/// Whether it was the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It was.
    Correct {
        /// The stored hash has another cost than new ones: hash the password again and store that.
        rehash: bool,
    },
    /// It was not, or there is no such user.
    Wrong,
}

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many people are signing in: try again in {} seconds", retry_after.as_secs().max(1))]
pub struct Busy {
    /// When to try again.
    pub retry_after: Duration,
}

/// The pool cannot work.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// Argon2id has no such cost, or it is beyond what this program allows.
    #[error("the password cost is out of range: use at least 8 KiB a lane and at most 64 MiB")]
    Cost,
    /// A thread could not be started.
    #[error("a thread for passwords could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The program is stopping.
    #[error("the program is stopping")]
    Stopped,
}

/// Hashes passwords on threads of its own.
pub struct Pool {
    jobs: Option<SyncSender<Job>>,
    taken: Arc<AtomicU64>,
    workers: Vec<JoinHandle<()>>,
    retry_after: Duration,
}

struct Job {
    password: Password,
    task: Task,
}

enum Task {
    Verify { stored: Option<PasswordHash>, answer: oneshot::Sender<Verdict> },
    Hash { salt: [u8; 16], answer: oneshot::Sender<PasswordHash> },
}

/// An answer that is being worked on.
#[must_use = "the answer is only in the future"]
pub struct Pending<T>(oneshot::Receiver<T>);

impl<T> Future for Pending<T> {
    type Output = Result<T, PoolError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_err(|_| PoolError::Stopped)
    }
}

impl Pool {
    /// Starts the workers.
    ///
    /// # Errors
    /// When the cost is out of range or a thread cannot be started.
    pub fn start(options: &PoolOptions) -> Result<Self, PoolError> {
        let blocks = options.cost.blocks().ok_or(PoolError::Cost)?;
        let (jobs, queue) = sync_channel(options.queue.get());
        let queue = Arc::new(Mutex::new(queue));
        let retry_after = options.retry_after;
        let mut pool = Self { jobs: Some(jobs), taken: Arc::default(), workers: Vec::new(), retry_after };
        for number in 1..=options.workers.get() {
            let worker = Worker { cost: options.cost, memory: vec![Block::new(); blocks] };
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || worker.run(&queue))?;
            pool.workers.push(thread);
        }
        Ok(pool)
    }

    /// Asks whether this is the password. A user who does not exist (`None`) takes as long as one who does.
    ///
    /// # Errors
    /// At once, when the queue is full.
    pub fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Result<Pending<Verdict>, Busy> {
        let (answer, pending) = oneshot::channel();
        self.submit(Job { password, task: Task::Verify { stored, answer } })?;
        Ok(Pending(pending))
    }

    /// Asks for the hash of a new password.
    ///
    /// # Errors
    /// At once, when the queue is full.
    pub fn hash(&self, password: Password, rng: &mut dyn CryptoRng) -> Result<Pending<PasswordHash>, Busy> {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let (answer, pending) = oneshot::channel();
        self.submit(Job { password, task: Task::Hash { salt, answer } })?;
        Ok(Pending(pending))
    }

    /// How many passwords were taken to be hashed since the start; it goes on counting.
    #[must_use]
    pub fn taken(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }

    fn submit(&self, job: Job) -> Result<(), Busy> {
        match self.jobs.as_ref().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) => {
                self.taken.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => {
                Err(Busy { retry_after: self.retry_after })
            }
        }
    }
}

/// Whoever waits gets an answer before the workers end.
impl Drop for Pool {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for worker in self.workers.drain(..) {
            // A worker that panicked has nothing to hand back.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}

struct Worker {
    cost: Cost,
    memory: Vec<Block>,
}

impl Worker {
    fn run(mut self, queue: &Mutex<Receiver<Job>>) {
        loop {
            let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Job { password, task }) = job else { return };
            self.work(&password, task);
        }
    }

    fn work(&mut self, password: &Password, task: Task) {
        // Whoever stopped waiting (a closed connection) costs nothing more.
        match task {
            Task::Verify { stored, answer } => {
                if !answer.is_closed() {
                    let verdict = self.verify(password, stored.as_ref());
                    let _ = answer.send(verdict);
                }
            }
            Task::Hash { salt, answer } => {
                if !answer.is_closed()
                    && let Some(hash) = PasswordHash::make(password, salt, self.cost, &mut self.memory)
                {
                    let _ = answer.send(hash);
                }
            }
        }
    }

    fn verify(&mut self, password: &Password, stored: Option<&PasswordHash>) -> Verdict {
        let nobody = PasswordHash::of_nobody(self.cost);
        let correct = self.matches(password, stored.unwrap_or(&nobody));
        match stored {
            Some(stored) if correct => Verdict::Correct { rehash: stored.is_outdated(self.cost) },
            Some(_) | None => Verdict::Wrong,
        }
    }

    fn matches(&mut self, password: &Password, stored: &PasswordHash) -> bool {
        let outcome = stored.matches(password, &mut self.memory).or_else(|| {
            // Hashed when the cost was higher. Such memory is given back; `Cost` bounds it.
            let mut memory = vec![Block::new(); stored.cost().blocks()?];
            stored.matches(password, &mut memory)
        });
        outcome.unwrap_or(false)
    }
}
