//! A device with its pipelines and buffers, and what went wrong on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calotype_engine::measure::Phase;
use calotype_shaders::{Access, ENTRY, Kernel};

use crate::clock::Clock;
use crate::pool::{Buffer, Pool, lock};
use crate::{Adapter, Error};

/// A kernel with its tile and its overrides.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub kernel: &'static Kernel,
    pub tile: usize,
    pub overrides: Vec<(&'static str, u32)>,
}

/// What tells a [`Variant`] from another.
type Key = (&'static str, usize, Vec<(&'static str, u32)>);

impl Variant {
    fn key(&self) -> Key {
        (self.kernel.name, self.tile, self.overrides.clone())
    }
}

/// A compiled [`Variant`].
pub(crate) struct Pipeline {
    pub layout: wgpu::BindGroupLayout,
    pub pipeline: wgpu::ComputePipeline,
}

/// Which tile each pointwise kernel uses: places in [`calotype_shaders::TILES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tuning {
    pub int8: usize,
    pub wide: usize,
}

impl Default for Tuning {
    /// `tile_8x4_by_16`.
    fn default() -> Tuning {
        Tuning { int8: 2, wide: 2 }
    }
}

type Fault = Arc<Mutex<Option<Error>>>;

/// An open device. All methods may be called from many threads.
pub(crate) struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// How long to wait for a list of dispatches.
    pub timeout: Duration,
    fault: Fault,
    pipelines: Mutex<HashMap<Key, Arc<Pipeline>>>,
    /// Of the pointwise kernels.
    pub tuning: Tuning,
    pub clock: Clock,
    /// Of [`Gpu::USAGE`].
    storage: Arc<Pool>,
    /// To map and read.
    staging: Arc<Pool>,
    failure: Mutex<Option<Failure>>,
}

/// A failure to come, for tests of what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The device is destroyed before this many more submits.
    LostAtSubmit(u64),
    /// The device's memory is used up after this many more buffers.
    OutOfMemoryAtBuffer(u64),
    /// Nobody waits any longer after this many more waits.
    TimeoutAtWait(u64),
}

/// Keeps the first fault, for the others follow from it; but wgpu tells of a lost device only after the commands that it refused.
fn report(fault: &Fault, error: Error) {
    let mut fault = lock(fault);
    match (&*fault, &error) {
        (None, _) | (Some(Error::Driver { .. }), Error::Lost { .. }) => *fault = Some(error),
        _ => {}
    }
}

fn of_wgpu(error: wgpu::Error) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory,
        other => Error::Driver { reason: other.to_string().split_whitespace().collect::<Vec<_>>().join(" ") },
    }
}

impl Gpu {
    /// Everything but mapping.
    const USAGE: wgpu::BufferUsages = wgpu::BufferUsages::STORAGE
        .union(wgpu::BufferUsages::UNIFORM)
        .union(wgpu::BufferUsages::COPY_SRC)
        .union(wgpu::BufferUsages::COPY_DST);

    pub fn open(adapter: &Adapter) -> Result<Gpu, Error> {
        let (device, queue) = adapter.open()?;
        let fault = Fault::default();
        let (uncaptured, lost) = (Arc::clone(&fault), Arc::clone(&fault));
        device.on_uncaptured_error(Arc::new(move |error| report(&uncaptured, of_wgpu(error))));
        device.set_device_lost_callback(move |kind, words| {
            let reason = if words.is_empty() { format!("{kind:?}") } else { words };
            report(&lost, Error::Lost { reason });
        });
        let timeout = Duration::from_secs(if adapter.facts().is_software() { 600 } else { 30 });
        let (pipelines, failure) = (Mutex::default(), Mutex::default());
        let (storage, staging, tuning, clock) = Default::default();
        Ok(Gpu { device, queue, timeout, fault, pipelines, tuning, clock, storage, staging, failure })
    }

    /// The fault of this device, if it had one: then nothing that it computed can be trusted.
    pub fn check(&self) -> Result<(), Error> {
        if lock(&self.fault).is_some() {
            // Whatever it says: if the device was lost, it has told so by now.
            let _ = self.device.poll(wgpu::PollType::Poll);
        }
        lock(&self.fault).clone().map_or(Ok(()), Err)
    }

    /// Marks the device as unusable, and says why.
    pub fn fail(&self, error: Error) -> Error {
        report(&self.fault, error);
        self.check().expect_err("just reported")
    }

    /// Bytes of the largest binding.
    pub fn largest_binding(&self) -> u64 {
        self.device.limits().max_storage_buffer_binding_size
    }

    /// A buffer of at least `bytes`, with anything in it.
    pub fn take(&self, bytes: u64) -> Result<Buffer, Error> {
        let limit = self.largest_binding();
        if bytes > limit {
            return Err(Error::TooLarge { bytes, limit });
        }
        self.allocate();
        let size = bytes.next_power_of_two().max(256).min(limit);
        Ok(self.storage.take(size, || self.create(size, Gpu::USAGE)))
    }

    /// A buffer filled with `bytes` (a multiple of 4).
    pub fn upload(&self, bytes: &[u8]) -> Result<Buffer, Error> {
        let buffer = self.take(bytes.len() as u64)?;
        self.clock.time(Phase::Upload, || self.queue.write_buffer(&buffer, 0, bytes));
        Ok(buffer)
    }

    /// A buffer of at least `bytes` to copy to and to read from the CPU.
    pub fn take_staging(&self, bytes: u64) -> Buffer {
        self.allocate();
        let size = bytes.next_power_of_two().max(256);
        self.staging.take(size, || self.create(size, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST))
    }

    /// A buffer of its own for constants, filled.
    pub fn constant(&self, bytes: &[u8]) -> Result<Buffer, Error> {
        let limit = self.largest_binding();
        let size = (bytes.len() as u64).next_multiple_of(16).max(16);
        if size > limit {
            return Err(Error::TooLarge { bytes: size, limit });
        }
        let buffer = self.create(size, Gpu::USAGE);
        self.queue.write_buffer(&buffer, 0, bytes);
        Ok(Buffer::constant(buffer))
    }

    /// A texture of opaque RGBA of 8 bits, `[width, height]`, to draw with.
    pub fn texture(&self, [width, height]: [u32; 2], mip_level_count: u32) -> wgpu::Texture {
        self.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("calotype"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::COPY_SRC | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        })
    }

    fn create(&self, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    }

    /// Submits commands; faults show at the next [`Gpu::check`].
    pub fn submit(&self, commands: wgpu::CommandBuffer) -> wgpu::SubmissionIndex {
        let due = self.due(|failure| if let Failure::LostAtSubmit(left) = failure { Some(left) } else { None });
        if due {
            self.device.destroy();
        }
        self.queue.submit([commands])
    }

    /// Waits until a submit has run.
    pub fn wait(&self, submitted: wgpu::SubmissionIndex) -> Result<(), Error> {
        let timeout = self.timeout;
        let due = self.due(|failure| if let Failure::TimeoutAtWait(left) = failure { Some(left) } else { None });
        let poll = wgpu::PollType::Wait { submission_index: Some(submitted), timeout: Some(timeout) };
        match if due { Err(wgpu::PollError::Timeout) } else { self.device.poll(poll) } {
            Ok(_) => self.check(),
            Err(wgpu::PollError::Timeout) => Err(self.fail(Error::Timeout { seconds: timeout.as_secs() })),
            // A submit that a lost device did not take.
            Err(error) => Err(self.fail(Error::Lost { reason: error.to_string() })),
        }
    }

    fn allocate(&self) {
        if self.due(|failure| if let Failure::OutOfMemoryAtBuffer(left) = failure { Some(left) } else { None }) {
            report(&self.fault, Error::OutOfMemory);
        }
    }

    /// Lets a failure come, once.
    pub fn inject(&self, failure: Failure) {
        *lock(&self.failure) = Some(failure);
    }

    /// Counts a failure down; whether it is due now.
    fn due(&self, counter: impl FnOnce(&mut Failure) -> Option<&mut u64>) -> bool {
        let mut failure = lock(&self.failure);
        match failure.as_mut().and_then(counter) {
            Some(0) => failure.take().is_some(),
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    /// The pipelines of some variants, in their order. Those that are new are compiled, at once on all cores.
    pub fn pipelines(&self, variants: &[Variant]) -> Vec<Arc<Pipeline>> {
        let known =
            |pipelines: &HashMap<Key, Arc<Pipeline>>| variants.iter().map(|variant| pipelines.get(&variant.key()).cloned()).collect();
        let before: Vec<Option<Arc<Pipeline>>> = known(&lock(&self.pipelines));
        let mut missing: HashMap<Key, &Variant> = HashMap::new();
        missing.extend(variants.iter().zip(&before).filter(|(_, found)| found.is_none()).map(|(variant, _)| (variant.key(), variant)));
        self.compile_all(missing.into_iter().collect());
        let all = known(&lock(&self.pipelines));
        all.into_iter().map(|pipeline| pipeline.expect("compiled")).collect()
    }

    fn compile_all(&self, missing: Vec<(Key, &Variant)>) {
        let compile = |(key, variant): (Key, &Variant)| {
            let pipeline = Arc::new(self.compile(variant));
            lock(&self.pipelines).insert(key, pipeline);
        };
        if let [_, _, ..] = &missing[..] {
            std::thread::scope(|scope| missing.into_iter().for_each(|one| drop(scope.spawn(move || compile(one)))));
        } else {
            missing.into_iter().for_each(compile);
        }
    }

    fn compile(&self, Variant { kernel, tile, overrides }: &Variant) -> Pipeline {
        let label = Some(kernel.name);
        let entries: Vec<_> = (0..).zip(kernel.bindings).map(|(binding, &(_, access))| layout_entry(binding, access)).collect();
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let source = wgpu::ShaderSource::Wgsl(kernel.sources[*tile].into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
        let constants: Vec<(&str, f64)> = overrides.iter().map(|&(name, value)| (name, f64::from(value))).collect();
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(ENTRY),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // All of it is written before it is read.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        Pipeline { layout, pipeline }
    }
}

fn layout_entry(binding: u32, access: Access) -> wgpu::BindGroupLayoutEntry {
    let ty = match access {
        Access::Uniform => wgpu::BufferBindingType::Uniform,
        Access::Read => wgpu::BufferBindingType::Storage { read_only: true },
        Access::Write => wgpu::BufferBindingType::Storage { read_only: false },
    };
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}
