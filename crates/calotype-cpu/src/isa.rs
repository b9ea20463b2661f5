//! Which instructions the engine uses.

use std::fmt;

/// A way to run the network. All give the same bytes; they differ in speed alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Isa {
    /// The oracle: docs/MODEL.md line by line, far too slow for pictures.
    Scalar,
    /// Blocked safe code for any machine.
    Portable,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX2 and AVX-VNNI.
    AvxVnni,
    /// x86-64 with AVX-512 F, BW, DQ, VL and VNNI.
    Avx512,
    /// aarch64 with NEON and its dot products.
    Neon,
}

impl Isa {
    /// All of them, on each architecture the slowest first.
    pub const ALL: [Isa; 6] = [Isa::Scalar, Isa::Portable, Isa::Avx2, Isa::AvxVnni, Isa::Avx512, Isa::Neon];

    /// The fastest that this machine has.
    pub fn detect() -> Isa {
        Isa::available().pop().unwrap_or(Isa::Portable)
    }

    /// All that this machine has, slowest first.
    pub fn available() -> Vec<Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Scalar | Isa::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => crate::kernels::x86::avx2::Avx2::<false>::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => crate::kernels::x86::avx2::Avx2::<true>::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => crate::kernels::x86::avx512::Avx512::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::AvxVnni | Isa::Avx512 => false,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => crate::kernels::neon::Neon::detect().is_some(),
            #[cfg(not(target_arch = "aarch64"))]
            Isa::Neon => false,
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Isa::Scalar => "scalar",
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::AvxVnni => "avx-vnni",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
        })
    }
}
