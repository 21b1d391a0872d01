"""Relaxation of the probe particle in the force field: the costly part of a scan, on the OpenCL device.

ppafm reads the force field through the image sampler of the device, which CPU runtimes emulate slowly. The kernel here
reads the same force field from its buffer, interpolates it in full precision and starts each height from the
deflection extrapolated from the two heights above. The equations are those of the probe-particle model (Hapala et al.,
Phys. Rev. B 90, 085421 (2014)), the minimiser is FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)) with ppafm's
parameters. The residual force is held smaller than in ppafm, so that the images are closer to the converged ones
although fewer steps are taken; ``benchmarks/afm_campaign.py`` states both differences.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Squared residual force in (eV/A)^2 at which a probe position counts as relaxed.
FORCE_TOLERANCE_SQUARED = 3e-9

#: Largest number of steps at one height.
MOST_STEPS = 128

_SOURCE = """
// Trilinear interpolation of force (xyz, eV/A) and energy (w, eV) at u, in units of the grid spacing.
inline float4 force_at(__global const float4* field, const int4 points, float3 u) {
    u = clamp(u, (float3)(0.0f), convert_float3(points.xyz) - 1.001f);
    const float3 whole = floor(u);
    const float3 t = u - whole;
    const int row = points.x;
    const int layer = points.x * points.y;
    __global const float4* p = field + (int)whole.x + row * (int)whole.y + layer * (int)whole.z;
    const float4 low = mix(mix(p[0], p[1], t.x), mix(p[row], p[row + 1], t.x), t.y);
    p += layer;
    const float4 high = mix(mix(p[0], p[1], t.x), mix(p[row], p[row + 1], t.x), t.y);
    return mix(low, high, t.z);
}

// One work item lowers the tip over one pixel and relaxes the probe at each height, farthest first.
__kernel void relax_probe(
    __global const float4* field,   // force field, x fastest
    __global const float4* tips,    // highest tip position of each pixel, relative to the grid origin (A)
    __global float4* forces,        // out: force on the relaxed probe, (pixel, height)
    const int4 points,              // grid points along x, y, z
    const float4 density,           // grid points per A along x, y, z
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
        float4 sample = 0.0f;
        // Two known deflections predict the next one; the bound guards the jump of the first height.
        const float3 predicted = bond + clamp(bond - previous, -0.1f, 0.1f);
        previous = bond;
        bond = height > 1 ? predicted : bond;
        for (int step = 0; step < MOST_STEPS; step++) {
            sample = force_at(field, points, (tip + bond) * density.xyz);
            const float length = sqrt(dot(bond, bond));
            const float3 force = sample.xyz + (bond - rest.xyz) * stiffness.xyz
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
        forces[pixel * heights + height] = sample;
        tip.z -= height_step;
    }
}
"""


class ProbeRelaxation:
    """The relaxation kernel, bound to the buffers of ppafm's force field and scanner.

    Parameters
    ----------
    scanner
        ppafm's ``RelaxedScanner`` with its buffers prepared.
    lattice
        Origin and edge vectors of an axis-parallel force-field box in Angstrom, shape (4, 3).
    points
        Grid points along x, y, z.
    """

    def __init__(self, scanner: Any, lattice: np.ndarray, points: np.ndarray) -> None:
        import pyopencl as cl

        options = [f"-DMOST_STEPS={MOST_STEPS}", f"-DFORCE_TOLERANCE_SQUARED={FORCE_TOLERANCE_SQUARED:.8g}f"]
        program = cl.Program(scanner.ctx, _SOURCE).build(options=options)
        self._kernel = cl.Kernel(program, "relax_probe")
        self._scanner = scanner
        self._points = np.array([*points, 0], dtype=np.int32)
        self._density = np.array([*(points / np.diag(lattice[1:])), 0.0], dtype=np.float32)

    def run(self, force_field: Any) -> None:
        """Relax the probe at every pixel and tip position; the forces stay in the scanner's output buffer.

        Parameters
        ----------
        force_field
            OpenCL buffer of the force field.
        """
        scanner = self._scanner
        across, along, heights = scanner.scan_dim
        self._kernel(
            scanner.queue,
            (across * along,),
            None,
            force_field,
            scanner.cl_poss,
            scanner.cl_FEout,
            self._points,
            self._density,
            scanner.stiffness,
            scanner.dpos0Tip,
            scanner.relax_params,
            np.float32(scanner.zstep),
            np.int32(heights),
        )
