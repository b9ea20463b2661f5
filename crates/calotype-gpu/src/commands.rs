//! Dispatches are recorded, then run: one submit, or a few short ones.

use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use calotype_engine::measure::Phase;
use calotype_shaders::Kernel;

use crate::Error;
use crate::gpu::{Gpu, Pipeline, Variant};
use crate::pool::{Buffer, lock};

/// Multiplications of a submit, about: under 100 ms on a slow integrated GPU, so that no watchdog resets it.
const SUBMIT_WORK: u64 = 8 << 30;
/// WebGPU's default alignment of uniforms.
const UNIFORM_BYTES: u64 = 256;
/// Workgroups in one dimension of a dispatch.
const MOST_WORKGROUPS: u32 = 65535;

/// One dispatch.
struct Dispatch {
    phase: Phase,
    variant: Variant,
    buffers: Vec<Buffer>,
    workgroups: [u32; 3],
    work: u64,
}

/// What to dispatch.
pub(crate) struct Call<'a> {
    pub kernel: &'static Kernel,
    /// Of [`calotype_shaders::TILES`]; 0 for kernels that have none.
    pub tile: usize,
    pub overrides: &'a [(&'static str, u32)],
    /// The uniform's members.
    pub sizes: &'a [u32],
    /// Bindings 1, 2, ...
    pub buffers: &'a [&'a Buffer],
    /// Workgroups in x and y.
    pub workgroups: [u32; 2],
    /// Multiplications, about.
    pub work: u64,
}

/// A list of dispatches with the buffers that belong to it.
pub(crate) struct Commands<'g> {
    pub gpu: &'g Gpu,
    /// What the dispatches that follow are for.
    pub phase: Phase,
    clears: Vec<Buffer>,
    sizes: Vec<u8>,
    /// `sizes` on the device.
    uniforms: Option<Buffer>,
    dispatches: Vec<Dispatch>,
    downloads: Vec<Download>,
    fills: Vec<Fill>,
}

/// Texels to copy into a level of a texture, which they fill.
struct Fill {
    from: Buffer,
    /// Texels from one row to the next; 4 bytes each, a multiple of 256 in all.
    pitch: usize,
    texture: wgpu::Texture,
    level: u32,
}

/// Bytes to bring back.
struct Download {
    from: Buffer,
    bytes: u64,
}

/// A list on its way.
pub(crate) struct Submitted<'g> {
    gpu: &'g Gpu,
    index: wgpu::SubmissionIndex,
    staging: Buffer,
    /// Bytes of each download.
    lengths: Vec<u64>,
}

impl<'g> Commands<'g> {
    /// An empty list. Fails if the device has failed before.
    pub fn new(gpu: &'g Gpu) -> Result<Commands<'g>, Error> {
        gpu.check()?;
        let (clears, sizes, dispatches) = Default::default();
        let (downloads, fills) = Default::default();
        let phase = Phase::Synthesis;
        Ok(Commands { gpu, phase, clears, sizes, uniforms: None, dispatches, downloads, fills })
    }

    /// A buffer with anything in it.
    pub fn take(&self, bytes: usize) -> Result<Buffer, Error> {
        self.gpu.take(bytes as u64)
    }

    /// A buffer that is all zeros before the first dispatch.
    pub fn zeros(&mut self, bytes: usize) -> Result<Buffer, Error> {
        let buffer = self.take(bytes)?;
        self.clears.push(buffer.clone());
        Ok(buffer)
    }

    /// A buffer filled with `bytes` (a multiple of 4).
    pub fn upload(&self, bytes: &[u8]) -> Result<Buffer, Error> {
        self.gpu.upload(bytes)
    }

    /// Adds a dispatch.
    pub fn dispatch(&mut self, call: Call<'_>) {
        debug_assert_eq!(call.sizes.len(), call.kernel.sizes.len(), "{}", call.kernel.name);
        debug_assert_eq!(call.buffers.len() + 1, call.kernel.bindings.len(), "{}", call.kernel.name);
        self.sizes.extend_from_slice(bytemuck::cast_slice(call.sizes));
        self.sizes.resize(self.sizes.len().next_multiple_of(UNIFORM_BYTES as usize), 0);
        self.dispatches.push(Dispatch {
            phase: self.phase,
            variant: Variant { kernel: call.kernel, tile: call.tile, overrides: call.overrides.to_vec() },
            buffers: call.buffers.iter().map(|&buffer| buffer.clone()).collect(),
            workgroups: [call.workgroups[0], call.workgroups[1], 1],
            work: call.work,
        });
    }

    /// A dispatch of 64 invocations a workgroup over `groups` elements; `sizes` after `groups`.
    pub fn elements(&mut self, kernel: &'static Kernel, groups: usize, sizes: &[usize], buffers: &[&Buffer]) {
        let workgroups = groups.div_ceil(64) as u32;
        let x = workgroups.min(MOST_WORKGROUPS);
        let all: Vec<u32> = std::iter::once(&groups).chain(sizes).map(|&size| size as u32).collect();
        let workgroups = [x, workgroups.div_ceil(x.max(1))];
        self.dispatch(Call { kernel, tile: 0, overrides: &[], sizes: &all, buffers, workgroups, work: 64 * groups as u64 });
    }

    /// Brings the first `bytes` of a buffer back when the list has run.
    pub fn download(&mut self, from: &Buffer, bytes: usize) {
        self.downloads.push(Download { from: from.clone(), bytes: (bytes as u64).next_multiple_of(4) });
    }

    /// Fills a level of a texture from a buffer of so many texels from row to row, when the list has run.
    pub fn fill(&mut self, texture: &wgpu::Texture, level: u32, from: &Buffer, pitch: usize) {
        self.fills.push(Fill { from: from.clone(), pitch, texture: texture.clone(), level });
    }

    /// Submits what has been recorded, so that its buffers are free again.
    pub fn flush(&mut self) -> Result<(), Error> {
        let encoder = self.encode()?;
        self.gpu.submit(encoder.finish());
        // Not before: others may take the buffers from now on.
        let (downloads, fills) = (std::mem::take(&mut self.downloads), std::mem::take(&mut self.fills));
        *self = Commands { phase: self.phase, downloads, fills, ..Commands::new(self.gpu)? };
        Ok(())
    }

    /// Submits the list with its downloads.
    pub fn submit(mut self) -> Result<Submitted<'g>, Error> {
        let mut encoder = self.encode()?;
        let lengths: Vec<u64> = self.downloads.iter().map(|download| download.bytes).collect();
        let staging = self.gpu.take_staging(lengths.iter().sum());
        let mut offset = 0;
        for download in &self.downloads {
            encoder.copy_buffer_to_buffer(&download.from, 0, &staging, offset, download.bytes);
            offset += download.bytes;
        }
        self.fills.iter().for_each(|fill| fill.record(&mut encoder));
        let index = self.gpu.submit(encoder.finish());
        self.gpu.check()?;
        Ok(Submitted { gpu: self.gpu, index, staging, lengths })
    }

    /// Runs the list and waits for it, where one can: the downloads, in order.
    pub fn run(self) -> Result<Vec<Vec<u8>>, Error> {
        pollster::block_on(self.submit()?.all())
    }

    /// All dispatches since the last flush; the last ones of them in an encoder that waits for its submit.
    fn encode(&mut self) -> Result<wgpu::CommandEncoder, Error> {
        let sizes = self.upload(&self.sizes)?;
        self.uniforms = Some(sizes.clone());
        let pipelines = self.prepare();
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        self.clears.iter().for_each(|buffer| encoder.clear_buffer(buffer, 0, None));
        let mut begin = 0;
        while begin < self.dispatches.len() {
            let end = begin + self.short_run(begin);
            let mut place = begin;
            for pass in self.dispatches[begin..end].chunk_by(|a, b| a.phase == b.phase) {
                self.encode_pass(&mut encoder, &sizes, place, pass, &pipelines[place..]);
                place += pass.len();
            }
            begin = end;
            if begin < self.dispatches.len() {
                let next = self.gpu.device.create_command_encoder(&Default::default());
                self.gpu.submit(std::mem::replace(&mut encoder, next).finish());
            }
        }
        Ok(encoder)
    }

    /// How many dispatches from `begin` make a submit.
    fn short_run(&self, begin: usize) -> usize {
        let mut work = 0;
        let fits = |dispatch: &&Dispatch| {
            work += dispatch.work;
            work <= SUBMIT_WORK
        };
        self.dispatches[begin..].iter().take_while(fits).count().max(1)
    }

    /// The pipelines of all dispatches, compiled.
    pub fn prepare(&self) -> Vec<Arc<Pipeline>> {
        self.gpu.pipelines(&self.dispatches.iter().map(|dispatch| dispatch.variant.clone()).collect::<Vec<_>>())
    }

    /// Dispatches of one phase with their pipelines; `place` is the first one's.
    fn encode_pass(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        sizes: &Buffer,
        place: usize,
        dispatches: &[Dispatch],
        pipelines: &[Arc<Pipeline>],
    ) {
        let stamps = self.gpu.clock.stamps(&self.gpu.device);
        let timestamp_writes = stamps.as_ref().map(|query_set| wgpu::ComputePassTimestampWrites {
            query_set,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        });
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
        for (i, (dispatch, pipeline)) in dispatches.iter().zip(pipelines).enumerate() {
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, &self.bind(sizes, place + i, dispatch, &pipeline.layout), &[]);
            let [x, y, z] = dispatch.workgroups;
            pass.dispatch_workgroups(x, y, z);
        }
        drop(pass);
        if let Some(stamps) = stamps {
            self.gpu.clock.resolve(&self.gpu.device, encoder, dispatches[0].phase, &stamps);
        }
    }

    fn bind(&self, sizes: &Buffer, index: usize, dispatch: &Dispatch, layout: &wgpu::BindGroupLayout) -> wgpu::BindGroup {
        let uniform = wgpu::BufferBinding { buffer: sizes, offset: index as u64 * UNIFORM_BYTES, size: UNIFORM_BYTES.try_into().ok() };
        let uniform = wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(uniform) };
        let storage = (1..).zip(&dispatch.buffers);
        let storage = storage.map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() });
        let entries: Vec<_> = std::iter::once(uniform).chain(storage).collect();
        self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
    }
}

impl Fill {
    fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        let size = wgpu::Extent3d {
            width: self.texture.width() >> self.level,
            height: self.texture.height() >> self.level,
            depth_or_array_layers: 1,
        };
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * self.pitch as u32), rows_per_image: None };
        let from = wgpu::TexelCopyBufferInfo { buffer: &self.from, layout };
        let (texture, origin, aspect) = (&self.texture, wgpu::Origin3d::ZERO, wgpu::TextureAspect::All);
        encoder.copy_buffer_to_texture(from, wgpu::TexelCopyTextureInfo { texture, mip_level: self.level, origin, aspect }, size);
    }
}

impl Submitted<'_> {
    /// The downloads, of which there are so many, in order.
    pub async fn wait<const N: usize>(self) -> Result<[Vec<u8>; N], Error> {
        Ok(self.all().await?.try_into().expect("as many downloads"))
    }

    /// The downloads, in order.
    pub async fn all(self) -> Result<Vec<Vec<u8>>, Error> {
        let bytes: u64 = self.lengths.iter().sum();
        if bytes == 0 {
            return self.gpu.wait(self.index).map(|()| Vec::new());
        }
        let mapped = Arc::new(Mapped::default());
        let told = Arc::clone(&mapped);
        self.staging.map_async(wgpu::MapMode::Read, ..bytes, move |result| told.tell(result));
        // A browser does not wait here, and maps by itself.
        self.gpu.wait(self.index.clone())?;
        mapped.told().await.map_err(|error| self.lost(error.to_string()))?;
        self.gpu.clock.time(Phase::Readback, || self.read(bytes))
    }

    fn read(&self, bytes: u64) -> Result<Vec<Vec<u8>>, Error> {
        let view = self.staging.get_mapped_range(..bytes).map_err(|error| self.lost(error.to_string()))?;
        let mut rest = &view[..];
        let downloads = self.lengths.iter().map(|&length| rest.split_off(..length as usize).expect("all are there").to_vec()).collect();
        drop(view);
        self.staging.unmap();
        Ok(downloads)
    }

    fn lost(&self, reason: String) -> Error {
        self.gpu.fail(Error::Lost { reason })
    }
}

/// Whether a buffer can be read: what the driver's callback says, for a future.
#[derive(Default)]
struct Mapped(Mutex<Told>);

#[derive(Default)]
struct Told {
    result: Option<Result<(), wgpu::BufferAsyncError>>,
    waker: Option<Waker>,
}

impl Mapped {
    fn tell(&self, result: Result<(), wgpu::BufferAsyncError>) {
        let mut told = lock(&self.0);
        told.result = Some(result);
        if let Some(waker) = told.waker.take() {
            waker.wake();
        }
    }

    fn told(&self) -> impl Future<Output = Result<(), wgpu::BufferAsyncError>> {
        std::future::poll_fn(|context| {
            let mut told = lock(&self.0);
            told.waker = Some(context.waker().clone());
            told.result.take().map_or(Poll::Pending, Poll::Ready)
        })
    }
}
