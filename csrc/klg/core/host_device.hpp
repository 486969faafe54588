#pragma once

// Marks code that both the host compiler and nvcc translate, so that what a kernel computes is
// tested on the CPU.
#if defined(__CUDACC__)
#define KLG_HOST_DEVICE __host__ __device__
#else
#define KLG_HOST_DEVICE
#endif

// Before a loop whose arrays are to live in registers. The host compiler does not know it.
#if defined(__CUDA_ARCH__)
#define KLG_UNROLL _Pragma("unroll")
#else
#define KLG_UNROLL
#endif
