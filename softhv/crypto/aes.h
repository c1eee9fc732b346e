// SPDX-License-Identifier: Apache-2.0
// The AES round steps (FIPS 197 §5; Arm ARM C7.2, AESE, AESD, AESMC, AESIMC). A block is a Vec
// whose byte 0 is the first byte of the state's first column.
#pragma once

#include "softhv/core/cpu_state.h"

namespace softhv::crypto {

Vec aes_encrypt(const Vec& state, const Vec& key); // AddRoundKey, ShiftRows, SubBytes
Vec aes_decrypt(const Vec& state, const Vec& key); // AddRoundKey and the inverses
Vec aes_mix_columns(const Vec& state);
Vec aes_inverse_mix_columns(const Vec& state);

#if defined(__x86_64__)
// The same by AES-NI; only where the host has it.
bool host_has_aes();
Vec aes_encrypt_host(const Vec& state, const Vec& key);
Vec aes_decrypt_host(const Vec& state, const Vec& key);
Vec aes_mix_columns_host(const Vec& state);
Vec aes_inverse_mix_columns_host(const Vec& state);
#endif

} // namespace softhv::crypto
