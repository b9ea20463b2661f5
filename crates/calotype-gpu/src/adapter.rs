//! The GPUs of this machine, and which one to take.

use std::fmt;

use calotype_engine::AdapterKind;

use crate::Error;

/// What there is to know about an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterFacts {
    /// Its name, e.g. `NVIDIA H200`.
    pub name: String,
    /// The interface, e.g. `vulkan`.
    pub backend: String,
    /// The driver with its version.
    pub driver: String,
    /// What it is.
    pub kind: AdapterKind,
    /// The first of WebGPU's default limits that it does not have; `None` if it can be used.
    pub lacks: Option<&'static str>,
}

/// A GPU, or a software implementation of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    facts: AdapterFacts,
    handle: wgpu::Adapter,
    /// What its device must have.
    limits: wgpu::Limits,
    /// Its device, where somebody else has opened it.
    shared: Option<(wgpu::Device, wgpu::Queue)>,
}

/// Which adapter to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The best real GPU: no software implementation.
    Auto,
    /// The adapter with this number in [`adapters`], or the first one whose name contains this, in any case of letters.
    Named(String),
}

/// All adapters of this machine, in a fixed order; none if there is no driver.
pub fn adapters() -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY)).into_iter().map(Adapter::new).collect()
}

/// Whether this machine may have a real GPU, without a driver being loaded for the answer: loading Mesa's software one takes 40 ms.
///
/// On Linux a GPU shows as a device file; elsewhere the answer is always yes.
pub fn any_device() -> bool {
    const FOLDER: &str = "/dev";
    const NAMES: [&str; 6] = ["dri", "nvidiactl", "dxg", "kgsl-3d0", "mali0", "kfd"];
    !cfg!(target_os = "linux") || NAMES.iter().any(|name| std::path::Path::new(FOLDER).join(name).exists())
}

/// Takes one of `adapters`.
///
/// # Errors
/// [`Error::NoAdapter`] if there is no real GPU within the limits, [`Error::UnknownAdapter`], [`Error::AdapterLimits`].
pub fn choose<'a>(adapters: &'a [Adapter], choice: &Choice) -> Result<&'a Adapter, Error> {
    let facts: Vec<&AdapterFacts> = adapters.iter().map(Adapter::facts).collect();
    Ok(&adapters[choose_index(&facts, choice)?])
}

fn choose_index(adapters: &[&AdapterFacts], choice: &Choice) -> Result<usize, Error> {
    let index = match choice {
        Choice::Auto => best(adapters).ok_or(Error::NoAdapter)?,
        Choice::Named(wanted) => named(adapters, wanted).ok_or_else(|| unknown(adapters, wanted))?,
    };
    match adapters[index].lacks {
        Some(limit) => Err(Error::AdapterLimits { adapter: adapters[index].name.clone(), limit }),
        None => Ok(index),
    }
}

fn best(adapters: &[&AdapterFacts]) -> Option<usize> {
    let real = |index: &usize| !adapters[*index].is_software() && adapters[*index].lacks.is_none();
    (0..adapters.len()).filter(real).min_by_key(|&index| adapters[index].kind)
}

fn named(adapters: &[&AdapterFacts], wanted: &str) -> Option<usize> {
    let number = wanted.parse().ok().filter(|&index: &usize| index < adapters.len());
    let wanted = wanted.to_lowercase();
    number.or_else(|| adapters.iter().position(|facts| facts.name.to_lowercase().contains(&wanted)))
}

fn unknown(adapters: &[&AdapterFacts], wanted: &str) -> Error {
    let names: Vec<&str> = adapters.iter().map(|facts| facts.name.as_str()).collect();
    let present = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Error::UnknownAdapter { wanted: wanted.to_owned(), present }
}

impl Adapter {
    fn new(handle: wgpu::Adapter) -> Adapter {
        Adapter { facts: AdapterFacts::of(&handle), handle, limits: wgpu::Limits::default(), shared: None }
    }

    /// An adapter whose device is open already, e.g. a window's. Engines on it take over the device's error handlers, and what they
    /// develop can be drawn there: [`Engine::pieces`](crate::Engine::pieces).
    pub fn shared(handle: wgpu::Adapter, device: wgpu::Device, queue: wgpu::Queue) -> Adapter {
        let facts = AdapterFacts { lacks: lacking(&device.limits()), ..AdapterFacts::of(&handle) };
        Adapter { facts, shared: Some((device, queue)), ..Adapter::new(handle) }
    }

    /// What there is to know about it.
    pub fn facts(&self) -> &AdapterFacts {
        &self.facts
    }

    /// For tests of what a real GPU gets: the same adapter, no longer known as software.
    #[doc(hidden)]
    pub fn disguised(self) -> Adapter {
        Adapter { facts: AdapterFacts { kind: AdapterKind::Discrete, ..self.facts }, ..self }
    }

    /// For tests of what then happens: the same adapter, asked for more than it has.
    #[doc(hidden)]
    pub fn overcharged(self) -> Adapter {
        let limits = wgpu::Limits { max_bind_groups: u32::MAX, ..wgpu::Limits::default() };
        Adapter { limits, ..self }
    }

    /// The shared device; else one with WebGPU's default limits and no optional feature but timestamps, which measurements use.
    pub(crate) fn open(&self) -> Result<(wgpu::Device, wgpu::Queue), Error> {
        if let Some(shared) = &self.shared {
            return Ok(shared.clone());
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("calotype"),
            required_features: self.handle.features() & wgpu::Features::TIMESTAMP_QUERY,
            required_limits: self.limits.clone(),
            experimental_features: wgpu::ExperimentalFeatures::disabled(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            trace: wgpu::Trace::Off,
        };
        pollster::block_on(self.handle.request_device(&descriptor))
            .map_err(|error| Error::NoDevice { adapter: self.facts.name.clone(), reason: error.to_string() })
    }
}

impl AdapterFacts {
    /// Of an adapter of wgpu's.
    pub fn of(handle: &wgpu::Adapter) -> AdapterFacts {
        let info = handle.get_info();
        AdapterFacts {
            name: info.name,
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            kind: kind_of(info.device_type),
            lacks: lacking(&handle.limits()),
        }
    }

    /// Whether it is a software implementation.
    pub fn is_software(&self) -> bool {
        self.kind == AdapterKind::Cpu
    }
}

fn kind_of(kind: wgpu::DeviceType) -> AdapterKind {
    match kind {
        wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
        wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
        wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
        wgpu::DeviceType::Other => AdapterKind::Other,
        wgpu::DeviceType::Cpu => AdapterKind::Cpu,
    }
}

impl fmt::Display for AdapterFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {}, {})", self.name, self.backend, self.driver, self.kind)
    }
}

/// The first of WebGPU's default limits that is not `allowed`.
fn lacking(allowed: &wgpu::Limits) -> Option<&'static str> {
    let mut lacks = None;
    wgpu::Limits::default().check_limits_with_fail_fn(allowed, true, |limit, _, _| lacks = Some(limit));
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(name: &str, kind: AdapterKind) -> AdapterFacts {
        AdapterFacts { name: name.to_owned(), backend: "vulkan".to_owned(), driver: String::new(), kind, lacks: None }
    }

    fn chosen(adapters: &[AdapterFacts], choice: Choice) -> Result<String, Error> {
        let adapters: Vec<&AdapterFacts> = adapters.iter().collect();
        choose_index(&adapters, &choice).map(|index| adapters[index].name.clone())
    }

    fn named(name: &str) -> Choice {
        Choice::Named(name.to_owned())
    }

    #[test]
    fn auto_takes_the_best_real_gpu() {
        let software = facts("llvmpipe", AdapterKind::Cpu);
        let integrated = facts("Iris", AdapterKind::Integrated);
        let discrete = facts("Radeon", AdapterKind::Discrete);
        let small = AdapterFacts { lacks: Some("max_storage_buffers_per_shader_stage"), ..discrete.clone() };
        assert_eq!(chosen(&[], Choice::Auto), Err(Error::NoAdapter));
        assert_eq!(chosen(std::slice::from_ref(&software), Choice::Auto), Err(Error::NoAdapter));
        let all = [software, integrated, discrete];
        assert_eq!(chosen(&all, Choice::Auto).unwrap(), "Radeon");
        assert_eq!(chosen(&all[..2], Choice::Auto).unwrap(), "Iris");
        assert_eq!(chosen(std::slice::from_ref(&small), Choice::Auto), Err(Error::NoAdapter));
        assert!(matches!(chosen(&[small], named("radeon")), Err(Error::AdapterLimits { .. })));
    }

    #[test]
    fn names_and_numbers_select() {
        let all = [facts("llvmpipe", AdapterKind::Cpu), facts("NVIDIA H200", AdapterKind::Discrete)];
        assert_eq!(chosen(&all, named("0")).unwrap(), "llvmpipe");
        assert_eq!(chosen(&all, named("PIPE")).unwrap(), "llvmpipe");
        assert_eq!(chosen(&all, named("h200")).unwrap(), "NVIDIA H200");
        assert_eq!(chosen(&all, named("200")).unwrap(), "NVIDIA H200");
        assert!(matches!(chosen(&all, named("2x")), Err(Error::UnknownAdapter { .. })));
        assert!(matches!(chosen(&[], named("0")), Err(Error::UnknownAdapter { .. })));
    }

    #[test]
    fn smaller_limits_are_refused() {
        assert_eq!(lacking(&wgpu::Limits::default()), None);
        let small = wgpu::Limits { max_storage_buffers_per_shader_stage: 4, ..wgpu::Limits::default() };
        assert_eq!(lacking(&small), Some("max_storage_buffers_per_shader_stage"));
    }
}
