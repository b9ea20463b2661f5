//! Buffers on a device that are used again.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};

/// Unused buffers are kept up to this many bytes.
const MOST_KEPT_BYTES: u64 = 512 << 20;

/// The unused buffers of one usage, by size.
#[derive(Default)]
pub(crate) struct Pool {
    free: Mutex<Free>,
}

#[derive(Default)]
struct Free {
    by_size: HashMap<u64, Vec<wgpu::Buffer>>,
    bytes: u64,
}

/// A buffer; back in its pool when the last clone is gone. All lists of a device run in the order of their submits, so a buffer may come back
/// as soon as the commands that use it are submitted. Commands hold clones until then.
#[derive(Clone)]
pub(crate) struct Buffer(Arc<Lent>);

struct Lent {
    handle: wgpu::Buffer,
    pool: Option<Arc<Pool>>,
}

impl Pool {
    /// A buffer of `size` bytes, with anything in it; from `make` if none is free.
    pub fn take(self: &Arc<Pool>, size: u64, make: impl FnOnce() -> wgpu::Buffer) -> Buffer {
        let handle = lock(&self.free).take(size).unwrap_or_else(make);
        Buffer(Arc::new(Lent { handle, pool: Some(Arc::clone(self)) }))
    }
}

impl Free {
    fn take(&mut self, size: u64) -> Option<wgpu::Buffer> {
        let buffer = self.by_size.get_mut(&size)?.pop()?;
        self.bytes -= size;
        Some(buffer)
    }

    fn put(&mut self, buffer: wgpu::Buffer) {
        let size = buffer.size();
        if self.bytes + size <= MOST_KEPT_BYTES {
            self.bytes += size;
            self.by_size.entry(size).or_default().push(buffer);
        }
    }
}

impl Buffer {
    /// A buffer that is used for one thing.
    pub fn constant(handle: wgpu::Buffer) -> Buffer {
        Buffer(Arc::new(Lent { handle, pool: None }))
    }
}

impl Deref for Buffer {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.0.handle
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            lock(&pool.free).put(self.handle.clone());
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
