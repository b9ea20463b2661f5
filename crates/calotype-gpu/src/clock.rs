//! Time by phase: timestamps around the compute passes, the host's clock around transfers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use calotype_engine::measure::{Phase, PhaseTimes};

use crate::pool::lock;

/// Two timestamps.
const STAMP_BYTES: u64 = 16;

/// What has been counted, once somebody has asked.
#[derive(Default)]
pub(crate) struct Clock {
    on: AtomicBool,
    host: Mutex<PhaseTimes>,
    /// Beginnings and ends of passes, on their way to the host.
    passes: Mutex<Vec<(Phase, wgpu::Buffer)>>,
}

impl Clock {
    /// Counts from now on.
    pub fn start(&self) {
        self.on.store(true, Ordering::Relaxed);
    }

    /// Runs a transfer, and counts its time.
    pub fn time<R>(&self, phase: Phase, task: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let result = task();
        if self.on.load(Ordering::Relaxed) {
            lock(&self.host).add(phase, begin.elapsed());
        }
        result
    }

    /// A place for the timestamps of a pass, if they are wanted and there are any.
    pub fn stamps(&self, device: &wgpu::Device) -> Option<wgpu::QuerySet> {
        let wanted = self.on.load(Ordering::Relaxed) && device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        wanted.then(|| device.create_query_set(&wgpu::QuerySetDescriptor { label: None, ty: wgpu::QueryType::Timestamp, count: 2 }))
    }

    /// Brings the timestamps of a pass to the host, after it.
    pub fn resolve(&self, device: &wgpu::Device, encoder: &mut wgpu::CommandEncoder, phase: Phase, stamps: &wgpu::QuerySet) {
        let buffer =
            |usage| device.create_buffer(&wgpu::BufferDescriptor { label: None, size: STAMP_BYTES, usage, mapped_at_creation: false });
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let staging = buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
        encoder.resolve_query_set(stamps, 0..2, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, STAMP_BYTES);
        lock(&self.passes).push((phase, staging));
    }

    /// What was counted since the last call. All that was submitted has run; passes that cannot be read are not counted.
    pub fn take(&self, device: &wgpu::Device, nanoseconds: f32) -> PhaseTimes {
        let mut times = std::mem::take(&mut *lock(&self.host));
        let passes = std::mem::take(&mut *lock(&self.passes));
        passes.iter().for_each(|(_, staging)| staging.map_async(wgpu::MapMode::Read, .., |_| ()));
        // A device that fails here has told so elsewhere.
        let _ = device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(Duration::from_secs(1)) });
        for (phase, staging) in passes {
            let Ok(view) = staging.get_mapped_range(..) else { continue };
            let [begin, end]: [u64; 2] = bytemuck::pod_read_unaligned(&view[..16]);
            times.add(phase, Duration::from_secs_f64(end.saturating_sub(begin) as f64 * f64::from(nanoseconds) / 1e9));
        }
        times
    }
}
