//! Dispatches are recorded, then run: one submit, or a few short ones.

use std::sync::{Arc, mpsc};

use calotype_shaders::Kernel;

use crate::Error;
use crate::gpu::{Gpu, Pipeline};

/// Multiplications of a submit, about: under 100 ms on a slow integrated GPU, so that no watchdog resets it.
const SUBMIT_WORK: u64 = 8 << 30;
/// WebGPU's default alignment of uniforms.
const UNIFORM_BYTES: u64 = 256;
/// Workgroups in one dimension of a dispatch.
const MOST_WORKGROUPS: u32 = 65535;

/// One dispatch.
struct Dispatch {
    pipeline: Arc<Pipeline>,
    buffers: Vec<wgpu::Buffer>,
    workgroups: [u32; 3],
    work: u64,
}

/// What to dispatch.
pub(crate) struct Call<'a> {
    pub kernel: &'static Kernel,
    pub overrides: &'a [(&'static str, u32)],
    /// The uniform's members.
    pub sizes: &'a [u32],
    /// Bindings 1, 2, ...
    pub buffers: &'a [&'a wgpu::Buffer],
    /// Workgroups in x and y.
    pub workgroups: [u32; 2],
    /// Multiplications, about.
    pub work: u64,
}

/// A list of dispatches with the buffers that belong to it.
pub(crate) struct Commands<'g> {
    pub gpu: &'g Gpu,
    clears: Vec<wgpu::Buffer>,
    sizes: Vec<u8>,
    dispatches: Vec<Dispatch>,
    taken: Vec<wgpu::Buffer>,
    downloads: Vec<Download>,
}

/// Bytes to bring back.
struct Download {
    from: wgpu::Buffer,
    bytes: u64,
}

impl<'g> Commands<'g> {
    /// An empty list. Fails if the device has failed before.
    pub fn new(gpu: &'g Gpu) -> Result<Commands<'g>, Error> {
        gpu.check()?;
        let (clears, sizes, dispatches) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Commands { gpu, clears, sizes, dispatches, taken: Vec::new(), downloads: Vec::new() })
    }

    /// A buffer until the list has run, with anything in it.
    pub fn take(&mut self, bytes: usize) -> Result<wgpu::Buffer, Error> {
        let buffer = self.gpu.take(bytes as u64)?;
        self.taken.push(buffer.clone());
        Ok(buffer)
    }

    /// A buffer until the list has run, of zeros.
    pub fn zeros(&mut self, bytes: usize) -> Result<wgpu::Buffer, Error> {
        let buffer = self.take(bytes)?;
        self.clears.push(buffer.clone());
        Ok(buffer)
    }

    /// A buffer until the list has run, filled with `bytes` (a multiple of 4).
    pub fn upload(&mut self, bytes: &[u8]) -> Result<wgpu::Buffer, Error> {
        let buffer = self.take(bytes.len())?;
        self.gpu.queue.write_buffer(&buffer, 0, bytes);
        Ok(buffer)
    }

    /// Adds a dispatch.
    pub fn dispatch(&mut self, call: Call<'_>) {
        debug_assert_eq!(call.sizes.len(), call.kernel.sizes.len(), "{}", call.kernel.name);
        debug_assert_eq!(call.buffers.len() + 1, call.kernel.bindings.len(), "{}", call.kernel.name);
        self.sizes.extend(call.sizes.iter().flat_map(|size| size.to_ne_bytes()));
        self.sizes.resize(self.sizes.len().next_multiple_of(UNIFORM_BYTES as usize), 0);
        self.dispatches.push(Dispatch {
            pipeline: self.gpu.pipeline(call.kernel, call.overrides),
            buffers: call.buffers.iter().map(|&buffer| buffer.clone()).collect(),
            workgroups: [call.workgroups[0], call.workgroups[1], 1],
            work: call.work,
        });
    }

    /// A dispatch of 64 invocations a workgroup over `groups` elements; `sizes` after `groups`.
    pub fn elements(&mut self, kernel: &'static Kernel, groups: usize, sizes: &[usize], buffers: &[&wgpu::Buffer]) {
        let workgroups = groups.div_ceil(64) as u32;
        let x = workgroups.min(MOST_WORKGROUPS);
        let all: Vec<u32> = std::iter::once(&groups).chain(sizes).map(|&size| size as u32).collect();
        let workgroups = [x, workgroups.div_ceil(x.max(1))];
        self.dispatch(Call { kernel, overrides: &[], sizes: &all, buffers, workgroups, work: 64 * groups as u64 });
    }

    /// Brings the first `bytes` of a buffer back when the list has run.
    pub fn download(&mut self, from: &wgpu::Buffer, bytes: usize) {
        self.downloads.push(Download { from: from.clone(), bytes: (bytes as u64).next_multiple_of(4) });
    }

    /// Runs the list and waits for it: the downloads, in order.
    pub fn run(mut self) -> Result<Vec<Vec<u8>>, Error> {
        let bytes = self.downloads.iter().map(|download| download.bytes).sum();
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let staging = self.gpu.device.create_buffer(&wgpu::BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false });
        self.submit(&staging)?;
        let all = self.wait(&staging)?;
        self.gpu.give_back(std::mem::take(&mut self.taken));
        let mut rest = &all[..];
        let mut next = |download: &Download| rest.split_off(..download.bytes as usize).expect("all are there").to_vec();
        Ok(self.downloads.iter().map(&mut next).collect())
    }

    fn submit(&mut self, staging: &wgpu::Buffer) -> Result<(), Error> {
        let sizes = self.gpu.take(self.sizes.len() as u64)?;
        self.taken.push(sizes.clone());
        self.gpu.queue.write_buffer(&sizes, 0, &self.sizes);
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        self.clears.iter().for_each(|buffer| encoder.clear_buffer(buffer, 0, None));
        let mut begin = 0;
        while begin < self.dispatches.len() {
            let end = begin + self.short_run(begin);
            self.encode(&mut encoder, &sizes, begin..end);
            begin = end;
            if begin < self.dispatches.len() {
                let next = self.gpu.device.create_command_encoder(&Default::default());
                self.gpu.queue.submit([std::mem::replace(&mut encoder, next).finish()]);
            }
        }
        let mut offset = 0;
        for download in &self.downloads {
            encoder.copy_buffer_to_buffer(&download.from, 0, staging, offset, download.bytes);
            offset += download.bytes;
        }
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.check()
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

    fn encode(&self, encoder: &mut wgpu::CommandEncoder, sizes: &wgpu::Buffer, range: std::ops::Range<usize>) {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for (i, dispatch) in range.clone().zip(&self.dispatches[range]) {
            pass.set_pipeline(&dispatch.pipeline.pipeline);
            pass.set_bind_group(0, &self.bind(sizes, i, dispatch), &[]);
            let [x, y, z] = dispatch.workgroups;
            pass.dispatch_workgroups(x, y, z);
        }
    }

    fn bind(&self, sizes: &wgpu::Buffer, index: usize, dispatch: &Dispatch) -> wgpu::BindGroup {
        let uniform = wgpu::BufferBinding { buffer: sizes, offset: index as u64 * UNIFORM_BYTES, size: UNIFORM_BYTES.try_into().ok() };
        let uniform = wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(uniform) };
        let storage = (1..).zip(&dispatch.buffers);
        let storage = storage.map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() });
        let entries: Vec<_> = std::iter::once(uniform).chain(storage).collect();
        let layout = &dispatch.pipeline.layout;
        self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
    }

    fn wait(&self, staging: &wgpu::Buffer) -> Result<Vec<u8>, Error> {
        let timeout = self.gpu.timeout;
        let (sender, receiver) = mpsc::channel();
        // A receiver that has gone away has had its error.
        staging.map_async(wgpu::MapMode::Read, .., move |result| drop(sender.send(result)));
        let poll = wgpu::PollType::Wait { submission_index: None, timeout: Some(timeout) };
        if self.gpu.device.poll(poll).is_err() {
            return Err(self.gpu.fail(Error::Timeout { seconds: timeout.as_secs() }));
        }
        let mapped = receiver.recv_timeout(timeout);
        self.gpu.check()?;
        match mapped {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(self.gpu.fail(Error::Lost { reason: error.to_string() })),
            Err(_) => return Err(self.gpu.fail(Error::Timeout { seconds: timeout.as_secs() })),
        }
        let view = staging.get_mapped_range(..).map_err(|error| self.gpu.fail(Error::Lost { reason: error.to_string() }))?;
        Ok(view.to_vec())
    }
}
