//! Work beside the interface: a thread with a list of jobs that is replaced as a whole.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// A thread that does the jobs of a list, one after the other. A job that is at work when the list changes goes on if the new list has it,
/// and is told to stop if it has not.
pub struct Worker<J> {
    shared: Arc<Shared<J>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<J> {
    list: Mutex<List<J>>,
    changed: Condvar,
}

struct List<J> {
    waiting: Vec<J>,
    at_work: Option<J>,
    cancelled: bool,
    ended: bool,
}

/// The thread's side of the list.
pub struct Jobs<J>(Arc<Shared<J>>);

impl<J> Shared<J> {
    fn list(&self) -> MutexGuard<'_, List<J>> {
        self.list.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<J: Clone> Jobs<J> {
    /// Does every job as it comes, until the end. One that panics is given to `panicked`.
    pub fn each(&self, mut work: impl FnMut(&J), panicked: impl Fn(&J)) {
        while let Some(job) = self.0.next() {
            if catch_unwind(AssertUnwindSafe(|| work(&job))).is_err() {
                panicked(&job);
            }
            self.0.list().at_work = None;
        }
    }

    /// Whether the job at work is still wanted.
    pub fn wanted(&self) -> bool {
        !self.0.list().cancelled
    }
}

impl<J: Clone + PartialEq + Send + 'static> Worker<J> {
    /// Starts the thread. `body` gets ready there and then does [`Jobs::each`].
    pub fn spawn(body: impl FnOnce(&Jobs<J>) + Send + 'static) -> Worker<J> {
        let list = List { waiting: Vec::new(), at_work: None, cancelled: false, ended: false };
        let shared = Arc::new(Shared { list: Mutex::new(list), changed: Condvar::new() });
        let jobs = Jobs(Arc::clone(&shared));
        let thread = std::thread::spawn(move || body(&jobs));
        Worker { shared, thread: Some(thread) }
    }

    /// From now on these are the jobs, in this order.
    pub fn set(&self, mut jobs: Vec<J>) {
        let mut list = self.shared.list();
        if let Some(at_work) = &list.at_work {
            let place = jobs.iter().position(|job| job == at_work);
            match place {
                Some(place) if !list.cancelled => drop(jobs.remove(place)),
                _ => list.cancelled = true,
            }
        }
        list.waiting = jobs;
        self.shared.changed.notify_all();
    }

    /// Whether nothing is to be done.
    pub fn is_idle(&self) -> bool {
        let list = self.shared.list();
        list.waiting.is_empty() && list.at_work.is_none()
    }
}

impl<J: Clone> Shared<J> {
    /// Waits for a job; `None` at the end.
    fn next(&self) -> Option<J> {
        let mut list = self.list();
        loop {
            if list.ended {
                return None;
            }
            if !list.waiting.is_empty() {
                let job = list.waiting.remove(0);
                list.at_work = Some(job.clone());
                list.cancelled = false;
                return Some(job);
            }
            list = self.changed.wait(list).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }
}

impl<J> Drop for Worker<J> {
    fn drop(&mut self) {
        let mut list = self.shared.list();
        (list.ended, list.cancelled) = (true, true);
        drop(list);
        self.shared.changed.notify_all();
        // A job that panicked was told of already.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    /// Jobs below 100 wait until they are no longer wanted, 666 panics; all tell their end.
    fn worker() -> (Worker<u32>, Receiver<String>) {
        let (said, heard) = channel();
        let worker = Worker::spawn(move |jobs| {
            let say = |what: &str, job: &u32| said.send(format!("{what} {job}")).unwrap();
            let work = |job: &u32| {
                say("begin", job);
                assert_ne!(*job, 666, "this panic is part of the test");
                while *job < 100 && jobs.wanted() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                say("end", job);
            };
            jobs.each(work, |job| say("panic", job));
        });
        (worker, heard)
    }

    fn expect(heard: &Receiver<String>, lines: &[&str]) {
        for line in lines {
            assert_eq!(heard.recv().unwrap(), *line);
        }
    }

    #[test]
    fn a_new_list_stops_what_it_lacks_and_keeps_what_it_has() {
        let (worker, heard) = worker();
        worker.set(vec![1, 200]);
        expect(&heard, &["begin 1"]);
        worker.set(vec![300, 1]);
        worker.set(vec![1, 400]);
        assert!(heard.recv_timeout(Duration::from_millis(30)).is_err(), "1 goes on");
        worker.set(vec![500]);
        expect(&heard, &["end 1", "begin 500", "end 500"]);
    }

    #[test]
    fn a_panic_is_told_and_the_next_job_begins() {
        let (worker, heard) = worker();
        worker.set(vec![666, 700]);
        expect(&heard, &["begin 666", "panic 666", "begin 700", "end 700"]);
        worker.set(vec![5]);
        expect(&heard, &["begin 5"]);
        assert!(!worker.is_idle());
        drop(worker);
        expect(&heard, &["end 5"]);
    }
}
