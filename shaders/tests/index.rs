//! Every text is valid WGSL, is what the index says, and has no floats.

use std::collections::BTreeSet;

use calotype_shaders::{Access, ENTRY, KERNELS, Kernel, TILES};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module, Scalar, ScalarKind, StorageAccess, TypeInner};

/// WebGPU's default limits.
const STORAGE_BUFFERS: usize = 8;
const WORKGROUP_INVOCATIONS: u32 = 256;
const WORKGROUP_BYTES: u32 = 16 << 10;

fn parse(source: &str) -> Result<Module, String> {
    let module = naga::front::wgsl::parse_str(source).map_err(|error| error.emit_to_string(source))?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator.validate(&module).map_err(|error| error.emit_to_string(source))?;
    Ok(module)
}

/// Every text of a kernel.
fn modules(kernel: &Kernel) -> impl Iterator<Item = Module> {
    kernel.sources.iter().map(|source| parse(source).unwrap_or_else(|error| panic!("{}: {error}", kernel.name)))
}

/// What a module's globals say, in the order of bindings.
fn bindings(module: &Module) -> Vec<(String, Access)> {
    let mut found: Vec<(u32, String, Access)> = Vec::new();
    for (_, global) in module.global_variables.iter() {
        let Some(binding) = global.binding else { continue };
        assert_eq!(binding.group, 0);
        let access = match global.space {
            AddressSpace::Uniform => Access::Uniform,
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => Access::Write,
            AddressSpace::Storage { .. } => Access::Read,
            space => panic!("{space:?}"),
        };
        found.push((binding.binding, global.name.clone().expect("named"), access));
    }
    found.sort_by_key(|(binding, ..)| *binding);
    assert!(found.iter().enumerate().all(|(i, (binding, ..))| *binding as usize == i), "{found:?}");
    found.into_iter().map(|(_, name, access)| (name, access)).collect()
}

/// The members of the uniform's structure.
fn sizes(module: &Module) -> Vec<String> {
    let (_, uniform) = module.global_variables.iter().find(|(_, global)| global.space == AddressSpace::Uniform).expect("a uniform");
    let TypeInner::Struct { members, .. } = &module.types[uniform.ty].inner else { panic!("the uniform is no structure") };
    let u32_scalar = TypeInner::Scalar(Scalar { kind: ScalarKind::Uint, width: 4 });
    members.iter().for_each(|member| assert_eq!(module.types[member.ty].inner, u32_scalar));
    members.iter().map(|member| member.name.clone().expect("named")).collect()
}

/// The scalar kinds of all types, and of all constants written as literals.
fn floats(module: &Module) -> Vec<String> {
    let kind = |inner: &TypeInner| inner.scalar_kind();
    let is_float = |kind: ScalarKind| matches!(kind, ScalarKind::Float | ScalarKind::AbstractFloat);
    let types = module.types.iter().filter(|(_, ty)| kind(&ty.inner).is_some_and(is_float)).map(|(_, ty)| format!("{:?}", ty.inner));
    let globals = literals(&module.global_expressions);
    let functions = module.functions.iter().map(|(_, function)| function).chain(module.entry_points.iter().map(|entry| &entry.function));
    types.chain(globals).chain(functions.flat_map(|function| literals(&function.expressions))).collect()
}

fn literals(expressions: &naga::Arena<naga::Expression>) -> Vec<String> {
    let float = |expression: &naga::Expression| match expression {
        naga::Expression::Literal(literal) => {
            matches!(literal.scalar_kind(), ScalarKind::Float | ScalarKind::AbstractFloat)
        }
        naga::Expression::As { kind, .. } => *kind == ScalarKind::Float,
        _ => false,
    };
    expressions.iter().filter(|(_, expression)| float(expression)).map(|(_, expression)| format!("{expression:?}")).collect()
}

#[test]
fn texts_are_what_the_index_says() {
    for (kernel, module) in KERNELS.iter().flat_map(|kernel| modules(kernel).map(move |module| (kernel, module))) {
        let expected: Vec<_> = kernel.bindings.iter().map(|&(name, access)| (name.to_owned(), access)).collect();
        assert_eq!(bindings(&module), expected, "{}", kernel.name);
        assert_eq!(sizes(&module), kernel.sizes, "{}", kernel.name);
        let [entry] = &module.entry_points[..] else { panic!("{}: not one entry point", kernel.name) };
        assert_eq!((entry.name.as_str(), entry.workgroup_size), (ENTRY, kernel.workgroup_size), "{}", kernel.name);
        let overrides: BTreeSet<_> = module.overrides.iter().filter_map(|(_, constant)| constant.name.as_deref()).collect();
        assert_eq!(overrides, kernel.overrides.iter().copied().collect(), "{}", kernel.name);
    }
    let names: BTreeSet<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
    assert_eq!(names.len(), KERNELS.len());
    let texts: usize = KERNELS.iter().map(|kernel| kernel.sources.len()).sum();
    println!("{} kernels in {texts} texts parsed, validated and compared with the index", KERNELS.len());
}

#[test]
fn each_kernel_is_one_file_with_a_header_of_its_name() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels");
    let files: BTreeSet<String> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, KERNELS.iter().map(|kernel| format!("{}.wgsl", kernel.name)).collect());
    for kernel in KERNELS {
        let header = format!("// {}: ", kernel.name);
        assert!(kernel.sources.iter().all(|source| source.contains(&header)), "{}", kernel.name);
        let tiled = kernel.workgroup_size == [8, 8, 1];
        assert_eq!(kernel.sources.len(), if tiled { TILES.len() } else { 1 }, "{}", kernel.name);
        for (tile, source) in TILES.iter().zip(kernel.sources).filter(|_| tiled) {
            assert!(source.contains(&format!("// {}: ", tile.name.trim_end_matches("_by_16"))), "{}: {}", kernel.name, tile.name);
        }
    }
}

#[test]
fn default_limits_suffice() {
    for kernel in KERNELS {
        let storage = kernel.bindings.iter().filter(|(_, access)| *access != Access::Uniform).count();
        assert!(storage <= STORAGE_BUFFERS, "{}: {storage} storage buffers", kernel.name);
        assert!(kernel.workgroup_size.iter().product::<u32>() <= WORKGROUP_INVOCATIONS, "{}", kernel.name);
        for module in modules(kernel) {
            let shared = module.global_variables.iter().filter(|(_, global)| global.space == AddressSpace::WorkGroup);
            let bytes: u32 = shared.map(|(_, global)| module.types[global.ty].inner.size(module.to_ctx())).sum();
            assert!(bytes <= WORKGROUP_BYTES, "{}: {bytes} bytes of workgroup memory", kernel.name);
        }
        assert!(kernel.sources.iter().all(|source| !source.contains("enable ")), "{}: optional features", kernel.name);
    }
}

#[test]
fn no_text_has_floats() {
    for kernel in KERNELS {
        modules(kernel).for_each(|module| assert_eq!(floats(&module), Vec::<String>::new(), "{}", kernel.name));
    }
}

/// Negative controls: the checks above see what they look for.
#[test]
fn faults_are_seen() {
    let source = calotype_shaders::DEPTHWISE.sources[0];
    let edited = |from: &str, to: &str| {
        assert!(source.contains(from), "{from}");
        parse(&source.replacen(from, to, 1))
    };
    assert!(!floats(&edited("let x = p % extent.width;", "let x = u32(f32(p % extent.width));").unwrap()).is_empty());
    assert!(!floats(&edited("let x = p % extent.width;", "let x = p % extent.width; let half = 0.5;").unwrap()).is_empty());
    assert!(!floats(&edited("input: array<u32>", "input: array<u32>; var<private> scale: vec2<f32>").unwrap()).is_empty());
    assert!(edited("let x = p % extent.width;", "let x = p % extent.height_px;").is_err());
    assert!(edited("let x = p % extent.width;", "let x: i32 = p % extent.width;").is_err());
    let expected: Vec<_> = calotype_shaders::DEPTHWISE.bindings.iter().map(|&(name, access)| (name.to_owned(), access)).collect();
    assert_ne!(bindings(&edited("var<storage, read> input", "var<storage, read_write> input").unwrap()), expected);
    let renamed = parse(&source.replace("height: u32", "rows: u32").replace("extent.height", "extent.rows")).unwrap();
    assert_ne!(sizes(&renamed), calotype_shaders::DEPTHWISE.sizes);
}
