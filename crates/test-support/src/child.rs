use std::process::Child;

/// A child process that is killed and reaped when it is dropped.
#[derive(Debug)]
pub struct ChildGuard(
    /// The process.
    pub Child,
);

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // Both calls fail if the process has ended and was reaped, which is the goal.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
