"""Scan of the probe particle over the sample: the costly part of a simulation, on the OpenCL device.

ppafm tabulates the force field on a grid and reads it back through the image sampler of the device. For the tens of
atoms of a unit cell it is cheaper to sum the forces of all atoms wherever the probe is, and exact: no grid has to be
chosen, and the images are those that ppafm approaches as its grid is refined. Each height starts from the deflection
extrapolated from the two heights above. The model and its parameters are ppafm's (Hapala et al., Phys. Rev. B 90,
085421 (2014)), the minimiser is FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)) with ppafm's time steps. The
residual force is held smaller than in ppafm. ``benchmarks/afm_campaign.py`` states the differences. Charged atoms pull
at a row of point charges on the axis of the probe, as in ppafm.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kadi_battgen.afm.settings import TipCharges

#: Coulomb's constant in eV A / e^2, as in ppafm's kernels.
COULOMB_CONSTANT = 14.399644

#: Squared residual force in (eV/A)^2 at which a probe position counts as relaxed.
FORCE_TOLERANCE_SQUARED = 3e-9

#: Largest number of steps at one height.
MOST_STEPS = 128

_SOURCE = """
// Force of all atoms on a probe at p in eV/A. The two coefficients of an atom are those of r^-6 and r^-12.
inline float3 lennard_jones(
    __global const float4* atoms, __global const float2* coefficients, const int count, const float3 p
) {
    float fx = 0.0f, fy = 0.0f, fz = 0.0f;
    for (int i = 0; i < count; i++) {
        const float dx = p.x - atoms[i].x, dy = p.y - atoms[i].y, dz = p.z - atoms[i].z;
        const float inverse2 = 1.0f / (dx * dx + dy * dy + dz * dz);
        const float inverse6 = inverse2 * inverse2 * inverse2;
        const float scale = (12.0f * coefficients[i].y * inverse6 - 6.0f * coefficients[i].x) * inverse6 * inverse2;
        fx += scale * dx;
        fy += scale * dy;
        fz += scale * dz;
    }
    return (float3)(fx, fy, fz);
}

// The same and the Coulomb force on the charges of the tip, which move with the probe; atoms carry theirs in w (e).
inline float3 sample_force(
    __global const float4* atoms, __global const float2* coefficients, const int count, const float3 p
) {
    float3 force = lennard_jones(atoms, coefficients, count, p);
#ifdef TIP_CHARGES
    const float charges[3] = TIP_CHARGES;
    const float offsets[3] = TIP_OFFSETS;
    for (int k = 0; k < 3; k++) {
        const float3 q = (float3)(p.x, p.y, p.z + offsets[k]);
        float3 field = 0.0f;
        for (int i = 0; i < count; i++) {
            const float3 d = q - atoms[i].xyz;
            const float inverse2 = 1.0f / dot(d, d);
            field += d * (atoms[i].w * inverse2 * sqrt(inverse2));
        }
        force += field * (COULOMB * charges[k]);
    }
#endif
    return force;
}

// One work item lowers the tip over one pixel and relaxes the probe at each height, farthest first.
__kernel void relax_probe(
    __global const float4* atoms,
    __global const float2* coefficients,
    const int count,
    __global const float4* tips,    // highest tip position of each pixel (A)
    __global float4* forces,        // out: force on the relaxed probe, (pixel, height)
    const float4 stiffness,         // lateral (xyz) and radial (w) springs, negative (eV/A^2)
    const float4 rest,              // rest position of the probe relative to the tip (xyz) and lever length (w) (A)
    const float4 fire,              // largest time step, damping
    const float height_step,
    const int heights
) {
    const int pixel = get_global_id(0);
    float3 tip = tips[pixel].xyz;
    float3 bond = rest.xyz;
    float3 previous = bond;
    float dt = fire.x;
    float damping = fire.y;
    for (int height = 0; height < heights; height++) {
        float3 velocity = 0.0f;
        float3 sample = 0.0f;
        // Two known deflections predict the next one; the bound guards against a jump.
        const float3 predicted = bond + clamp(bond - previous, -0.1f, 0.1f);
        previous = bond;
        bond = height > 1 ? predicted : bond;
        for (int step = 0; step < MOST_STEPS; step++) {
            sample = sample_force(atoms, coefficients, count, tip + bond);
            const float length = sqrt(dot(bond, bond));
            const float3 force = sample + (bond - rest.xyz) * stiffness.xyz
                               + bond * (stiffness.w * (length - rest.w) / length);
            const float force2 = dot(force, force);
            if (dot(force, velocity) < 0.0f) {
                velocity = 0.0f;
                dt = fmax(0.1f * fire.x, 0.5f * dt);
                damping = fire.y;
            } else {
                const float speed = sqrt(dot(velocity, velocity) / (force2 + 1e-8f));
                velocity = velocity * (1.0f - damping) + force * (damping * speed);
                dt = fmin(fire.x, 1.1f * dt);
                damping *= 0.99f;
            }
            velocity += force * dt;
            bond += velocity * dt;
            if (force2 < FORCE_TOLERANCE_SQUARED) break;
        }
        forces[pixel * heights + height] = (float4)(sample, 0.0f);
        tip.z -= height_step;
    }
}

// One work item lowers the unrelaxed probe over one pixel until the vertical Lennard-Jones force exceeds a threshold, and
// returns how many steps that took (counted as ppafm's height map expects them), or -1 if it never does.
__kernel void find_force(
    __global const float4* atoms,
    __global const float2* coefficients,
    const int count,
    __global const float4* tips,
    __global float* steps,
    const float4 rest,
    const float height_step,
    const int most_steps,
    const float threshold
) {
    const int pixel = get_global_id(0);
    float3 position = tips[pixel].xyz + rest.xyz;
    float above = lennard_jones(atoms, coefficients, count, position).z;
    float found = -1.0f;
    for (int step = 1; step < most_steps; step++) {
        position.z -= height_step;
        const float here = lennard_jones(atoms, coefficients, count, position).z;
        if (here > threshold) {
            found = step + (threshold - above) / (here - above);
            break;
        }
        above = here;
    }
    steps[pixel] = found;
}
"""


class ProbeScan:
    """Scans of one sample after the other over the same window.

    It stands in for the scanner of ppafm's ``HeightMap``, which asks it for :meth:`run_getZisoTilted`.

    Parameters
    ----------
    scanner
        ppafm's ``RelaxedScanner`` with springs, tip positions and buffers prepared; it convolves the forces to
        frequency shifts.
    tip
        Charges of the tip; None for a scan without electrostatics.
    """

    def __init__(self, scanner: Any, tip: TipCharges | None = None) -> None:
        import pyopencl as cl

        options = [f"-DMOST_STEPS={MOST_STEPS}", f"-DFORCE_TOLERANCE_SQUARED={FORCE_TOLERANCE_SQUARED:.8g}f"]
        program = cl.Program(scanner.ctx, _definitions(tip) + _SOURCE).build(options=options)
        self._cl = cl
        self._relax = cl.Kernel(program, "relax_probe")
        self._find_force = cl.Kernel(program, "find_force")
        self._scanner = scanner
        self._pixels = scanner.scan_dim[0] * scanner.scan_dim[1]
        self._steps = cl.Buffer(scanner.ctx, cl.mem_flags.WRITE_ONLY, 4 * self._pixels)
        self._sample: tuple[Any, Any, np.int32] | None = None
        self.zstep = scanner.zstep

    def scan(self, positions: np.ndarray, coefficients: np.ndarray, charges: np.ndarray | None = None) -> np.ndarray:
        """Scan a sample.

        Parameters
        ----------
        positions
            Atom positions in Angstrom, shape (atoms, 3).
        coefficients
            Lennard-Jones coefficients of r^-6 and r^-12 between probe and atoms, in eV A^6 and eV A^12, shape
            (atoms, 2).
        charges
            Charges of the atoms in e, shape (atoms,); None for neutral atoms. A tip without charges does not feel them.

        Returns
        -------
        numpy.ndarray
            Frequency shift in Hz, float32, shape (x pixels, y pixels, heights), farthest height first.
        """
        cl, scanner = self._cl, self._scanner
        atoms = np.zeros((len(positions), 4), dtype=np.float32)
        atoms[:, :3] = positions
        atoms[:, 3] = 0.0 if charges is None else charges
        flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
        self._sample = (
            cl.Buffer(scanner.ctx, flags, hostbuf=atoms),
            cl.Buffer(scanner.ctx, flags, hostbuf=np.ascontiguousarray(coefficients, dtype=np.float32)),
            np.int32(len(positions)),
        )
        self._relax(
            scanner.queue,
            (self._pixels,),
            None,
            *self._sample,
            scanner.cl_poss,
            scanner.cl_FEout,
            scanner.stiffness,
            scanner.dpos0Tip,
            scanner.relax_params,
            np.float32(self.zstep),
            np.int32(scanner.scan_dim[2]),
        )
        # What ppafm returns is a view of memory that the next scan, also that of another tip, writes to.
        return scanner.run_convolveZ()[..., 2].copy()

    def prepareAuxMapBuffers(self, **_: Any) -> None:  # noqa: N802
        """Do nothing: the buffer of the height map is kept."""

    def run_getZisoTilted(self, iso: float, nz: int) -> np.ndarray:  # noqa: N802
        """Return in which step from above the vertical force exceeds a threshold.

        Parameters
        ----------
        iso
            Threshold in eV/A.
        nz
            Number of steps searched.

        Returns
        -------
        numpy.ndarray
            float32, shape (x pixels, y pixels); -1 where the threshold is not exceeded.
        """
        if self._sample is None:
            raise RuntimeError("no sample has been scanned yet")
        scanner = self._scanner
        self._find_force(
            scanner.queue,
            (self._pixels,),
            None,
            *self._sample,
            scanner.cl_poss,
            self._steps,
            scanner.dpos0Tip,
            np.float32(self.zstep),
            np.int32(nz),
            np.float32(iso),
        )
        steps = np.empty(scanner.scan_dim[:2], dtype=np.float32)
        self._cl.enqueue_copy(scanner.queue, steps, self._steps)
        scanner.queue.finish()
        return steps


def _definitions(tip: TipCharges | None) -> str:
    """Return what the source is to know of the tip's charges; nothing where it has none."""
    if tip is None:
        return ""
    rows = {
        name: "{" + ", ".join(f"{value:.8e}f" for value in values) + "}"
        for name, values in (("TIP_CHARGES", tip.charges), ("TIP_OFFSETS", tip.offsets))
    }
    return "".join(f"#define {name} {row}\n" for name, row in rows.items()) + f"#define COULOMB {COULOMB_CONSTANT}f\n"
