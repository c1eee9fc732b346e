// SPDX-License-Identifier: Apache-2.0
// The backend: turns a block of the intermediate form into x86-64 code.
//
// The code keeps guest registers where registers.h says, NZCV in reg::kFlags wherever something
// other than the block's own code could look at it, and the rest of the state in CpuCore. It leaves
// for the shared routines of thunks.h with that state exact and the PC in CpuState::pc.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "softhv/core/cpu.h"
#include "softhv/jit/assembler.h"
#include "softhv/jit/ir.h"
#include "softhv/jit/lift.h"
#include "softhv/jit/own_registers.h"
#include "softhv/jit/thunks.h"

namespace softhv::jit {

// Where a block of the same page starts in code memory, if it has been translated.
class BlockFinder {
public:
  virtual ~BlockFinder() = default;
  // 0: not translated. `offset` is within the page.
  virtual u32 find(u32 offset) const = 0;
  // The page's table, by instruction, of code or of what finds it (Page::entries).
  [[nodiscard]] virtual const void* const* entries() const = 0;
};

struct EmitOptions {
  bool chain = true; // blocks lead to each other; else each returns to the run loop
  // The host may write code that the guest's cache maintenance tells of.
  bool host_writes_code = false;
};

// How a block becomes code.
struct BlockOptions {
  OwnRegisters registers;
  // What counts the rounds of loops (CpuCore::loop_credit), so that they are improved: nothing,
  // ways back out of the block, or those within it as well.
  enum class Rounds : u8 { kNone, kOutside, kAll } rounds = Rounds::kNone;

  [[nodiscard]] bool count_outside() const { return rounds != Rounds::kNone; }
  [[nodiscard]] bool count_inside() const { return rounds == Rounds::kAll; }
};

// One serves for many blocks: its lists keep their memory.
class Emitter {
public:
  Emitter(Assembler& assembler, const Thunks& thunks, EmitOptions options);

  // Writes the block at the assembler's position. The caller has seen to it that there is room.
  void emit(const ir::Block& block, Mode mode, const BlockFinder& blocks,
            const BlockOptions& options = {});

private:
  using Reg64 = Xbyak::Reg64;
  using Address = Xbyak::Address;
  using Fixup = Assembler::Fixup;
  using ir_Inst = ir::Inst;

  // What the host's flags hold of NZCV.
  enum class HostFlags : u8 {
    kNothing,
    kBorrow, // C inverted, as after a subtraction and in reg::kFlags
    kCarry,  // as after an addition
    kLogic,  // N and Z; C and V are 0
  };

  // Code that is seldom run, put behind the block: the instruction is interpreted, then goes on.
  // A scratch register that still holds what has been written to a guest register in memory.
  struct Forward {
    ir::Reg guest = ir::kNone;
    u8 host = 0;
  };
  struct SlowPath {
    u32 jumps; // how many of slow_jumps_, behind those of the path before
    u32 resume;
    Forward forward; // as it is at `resume`
    u16 index;
    bool missed; // begins with a Miss
  };
  // A look into the TLB that may fail: the TLB is filled and the look repeated.
  struct Miss {
    std::array<Fixup, 2> jumps{};
    u8 count = 0; // of the jumps
    int va = 0;   // the host register
    RefillAccess access;
    u32 again = 0;
    u16 index = 0; // of the instruction
  };
  // The code of a look as it was written once. It may stand anywhere.
  struct LookCode {
    u64 key = 0;
    u8 length = 0;             // 0: not written yet
    std::array<u8, 2> jumps{}; // where those of the Miss end
    std::array<u8, 64> bytes{};
  };
  struct Jump { // to an instruction of the block
    Fixup fixup;
    u16 target;
  };
  enum class Transfer : u8 { kJump, kCall };
  struct Exit { // to `target`, an offset from the start of the page
    enum class Kind : u8 {
      kInPage,
      kAlone,   // to code in which each access looks for itself
      kLoop,    // to better code for the loop that begins there
      kPlain,   // to code for the loop in which no looks are hoisted
      kOutside, // of the page
    };
    Fixup fixup;
    i64 target;
    Kind kind = Kind::kInPage;
    Fixup not_linked = 0; // of kOutside: where there is no link
    Transfer transfer = Transfer::kJump;
    u32 start = 0;    // of kLoop: where the jump is to be written
    int begun = 0;    // instructions to count on the way
    bool own = false; // the block's own registers are still to be given back
  };
  struct Detour { // a branch taken, that has to be counted or to give back registers
    Fixup fixup;
    i64 target;
    u16 index;
  };
  struct AheadLook { // no round is left that has been looked for
    Fixup fixup;
    u32 resume;
    size_t run; // index into ir::Block::runs
  };
  struct FullStack { // of returns
    Fixup fixup;
    u32 resume;
  };

  // emitter.cc: blocks and operands
  void emit_block(const ir::Block& block);
  void emit_aside();
  void emit_inst(const ir::Inst& inst);
  [[nodiscard]] static bool keeps_look(const ir::Inst& inst);
  void finish_instruction(u16 index);
  [[nodiscard]] bool in_register(ir::Reg r) const {
    return r == ir::kTemp0 || (r < map_->general.size() && map_->general[r] >= 0);
  }
  [[nodiscard]] Reg64 host_of(ir::Reg r) const {
    return r == ir::kTemp0 ? reg::kScratch2 : Reg64(map_->general[r]);
  }
  [[nodiscard]] static MemoryOperand memory_of(ir::Reg r, bool wide) {
    const size_t offset = offsetof(CpuState, x) + 8UL * r;
    return wide ? Assembler::state64(offset) : Assembler::state32(offset);
  }
  // The register that holds r: its own, or `scratch`.
  Reg64 read(ir::Reg r, const Reg64& scratch) {
    if (in_register(r))
      return host_of(r);
    read_into(scratch, r);
    return scratch;
  }
  // to = from, or its low half.
  void move(const Reg64& to, const Reg64& from, bool wide) {
    if (!wide)
      as_.mov(to.cvt32(), from.cvt32());
    else if (!same(to, from))
      as_.mov(to, from);
  }
  void read_into(const Reg64& to, ir::Reg r, bool wide = true);
  // Where to compute what write() then puts into r.
  [[nodiscard]] Reg64 target(ir::Reg r, const Reg64& scratch) const {
    return in_register(r) ? host_of(r) : scratch;
  }
  void write(ir::Reg r, const Reg64& from);
  void load_constant(const Reg64& to, u64 value);
  void to_slow(Cc cc) { as_.to_interpreter(cc); }

  // emit_own.cc: the block's own registers
  // From here on code finds guest registers where the block has them, or where they usually are.
  void use_own(bool own) {
    if (!has_own_)
      return;
    own_ = own;
    map_ = own_ ? &block_options_->registers.map : &kRegisterMap;
  }
  void take_own();
  void load_own();
  void give_back();

  // emit_flags.cc: NZCV
  void set_flags(const ir::Inst& inst, HostFlags now);
  void restore_flags();
  Cc condition(u8 cond); // ensures that the host's flags answer it

  // emit_data.cc: integer data processing
  void emit_move(const ir::Inst& inst);
  void emit_page_of(const ir::Inst& inst);
  void emit_add_sub(const ir::Inst& inst);
  void emit_compare(const ir::Inst& inst);
  void emit_carry(const ir::Inst& inst);
  void emit_logic(const ir::Inst& inst);
  void emit_shift(const ir::Inst& inst);
  void emit_extract(const ir::Inst& inst);
  void emit_extend(const ir::Inst& inst);
  void emit_bitfield(const ir::Inst& inst);
  void emit_insert(const ir::Inst& inst);
  void extend_into(const Reg64& to, ir::Reg r, ir::Extend extend);
  // emit_arith.cc
  void emit_multiply(const ir::Inst& inst);
  void emit_divide(const ir::Inst& inst);
  void emit_count(const ir::Inst& inst);
  void emit_reverse_bits(const ir::Inst& inst);
  void emit_reverse(const ir::Inst& inst);
  void emit_crc32c(const ir::Inst& inst);
  void emit_crc32(const ir::Inst& inst);
  void emit_select(const ir::Inst& inst);
  void emit_compare_if(const ir::Inst& inst);
  void emit_read_flags(const ir::Inst& inst);
  void emit_write_flags(const ir::Inst& inst);

  // emit_memory.cc
  enum class Access : u8 { kRead, kWrite, kBoth };
  // Leaves the address in the register returned.
  Reg64 address(const ir::Inst& inst);
  Reg64 index_register(const ir::Inst& inst, const Reg64& scratch);
  [[nodiscard]] static Access access_of(const ir::Look& look);
  void check_stack(const ir::Inst& inst);
  // Leaves in kScratch1 what to add to the address: host address = va + kScratch1.
  void translate(const Reg64& va, unsigned bytes, Access access, bool aligned,
                 bool unprivileged = false);
  void write_look(const Reg64& va, Miss& miss);
  void emit_load(const ir::Inst& inst);
  void emit_store(const ir::Inst& inst);
  void emit_load_pair(const ir::Inst& inst);
  void emit_store_pair(const ir::Inst& inst);
  void load_register(const ir::Inst& inst, ir::Reg d, const MemoryOperand& from);
  void store_register(const ir::Inst& inst, ir::Reg d, const MemoryOperand& to);
  // Leaves in kScratch1 the host address of `va`. Keeps `va`.
  void find_host_address(const Reg64& va, unsigned bytes, Access access, bool aligned);
  void look(const Reg64& va, const ir::Look& look);
  void close_windows();
  void make_hoisted_looks();
  MemoryOperand host_address(const ir::Inst& inst, unsigned bytes, Access access);
  void emit_multiple(const ir::Inst& inst);
  void emit_replicate(const ir::Inst& inst);

  // emit_look_ahead.cc
  [[nodiscard]] size_t run_at(u16 index) const;
  void forget_rounds(u16 index);
  void take_round(u16 index);
  void emit_look_ahead(const AheadLook& ahead);
  void look_for_rounds(size_t i);

  // emit_atomic.cc
  void emit_atomic(const ir::Inst& inst);
  void compare_exchange(unsigned size);
  void emit_compare_swap(const ir::Inst& inst);
  void emit_compare_swap_pair(const ir::Inst& inst);
  void emit_exclusive_load(const ir::Inst& inst);
  struct MonitorCheck { // where it fails
    Fixup elsewhere = 0;
    Fixup open = 0;
  };
  MonitorCheck check_monitor(const Reg64& va, int bytes);
  void clear_monitor(const MonitorCheck& check);
  void emit_exclusive_store(const ir::Inst& inst);
  void emit_exclusive_load_pair(const ir::Inst& inst);
  void emit_exclusive_store_pair(const ir::Inst& inst);

  // emit_system.cc
  void emit_system_access(const ir::Inst& inst);
  void emit_read_fpsr(const ir::Inst& inst);
  void emit_write_fpsr(const ir::Inst& inst);
  void emit_zero_block(const ir::Inst& inst);
  void emit_cache_check(const ir::Inst& inst);
  void emit_code_cache_check(const ir::Inst& inst);
  void emit_barrier();
  void emit_complete_barrier();
  void emit_interrupt_masks(const ir::Inst& inst);

  // emit_vector.cc
  void emit_vector(const ir::Inst& inst);
  [[nodiscard]] bool vector_in_register(ir::Reg r) const;
  [[nodiscard]] Xbyak::Xmm vector_of(ir::Reg r) const { return Xbyak::Xmm(map_->vector[r]); }
  static MemoryOperand vector_memory(ir::Reg r);
  Xbyak::Xmm read_vector(ir::Reg r, int scratch);

  // emit_branch.cc
  void emit_branch(const ir::Inst& inst);
  void emit_branch_if(const ir::Inst& inst);
  void emit_call(const ir::Inst& inst);
  void emit_indirect(const ir::Inst& inst);
  void emit_return(const ir::Inst& inst);
  void link_register(const ir::Inst& inst);
  void predict_return();
  void land(const ir::Inst& call);
  [[nodiscard]] bool is_backward(i64 target, u16 index) const {
    return target <= block_->offset + 4LL * index;
  }
  void go(i64 target);
  void go_back(u16 index);
  void emit_round(const Jump& round);
  void go_elsewhere(i64 target, Transfer transfer);
  void go_back_unless_attending(u16 index, i64 target);
  void count_round(i64 target);
  void go_outside(i64 target, Transfer transfer);
  void go_in_page(const Reg64& va);
  Fixup jump(Transfer transfer);
  void emit_exit(const Exit& exit);
  Fixup attend(int begun);
  [[nodiscard]] int behind_at(i64 target, bool backward) const;
  void check_attention(i64 target, bool backward, int inside = 0);
  void synchronize(const ir::Inst& inst);
  void count(int instructions);
  void emit_detour(const Detour& detour);
  void emit_attention(const Exit& exit);
  void leave_for_alone(const Jump& jump);
  void leave_for_plain_loop();
  void dispatch(const Reg64& va);
  [[nodiscard]] u32 interpreted_at(u16 index) const;
  void emit_interpret(const ir::Inst& inst);
  void emit_refill(const Miss& miss);
  void emit_slow_path(const SlowPath& path, std::span<const Fixup> jumps);

  Assembler& as_;
  const Thunks& thunks_;
  const EmitOptions options_;

  const BlockFinder* blocks_ = nullptr;
  Mode mode_;
  const ir::Block* block_ = nullptr;
  const BlockOptions* block_options_ = nullptr;
  const RegisterMap* map_ = &kRegisterMap; // where guest registers are, at this place of the code
  bool has_own_ = false;                   // whether the block has registers of its own
  bool own_ = false;                       // whether that is where registers are now
  HostFlags host_flags_ = HostFlags::kNothing;
  bool stack_aligned_ = false; // SP is known to be a multiple of 16
  Forward forward_;            // by the operation before, if nothing was emitted since
  Forward written_;            // by this operation
  u32 written_end_ = 0;        // position behind the code that did
  u32 inst_start_ = 0;         // position of the operation's code
  bool forwards_ = true;
  u8 look_at_hand_ = 0;                 // Inst::look of the look whose result kScratch1 holds
  u16 index_ = 0;                       // of the guest instruction being translated
  std::vector<u32> positions_;          // of guest instructions
  std::array<LookCode, 64> look_codes_; // found by a hash of the key
  std::optional<Miss> miss_;            // of the current instruction
  std::vector<Miss> misses_;
  std::vector<Miss> alone_misses_;   // of looks for several accesses
  std::vector<Miss> hoisted_misses_; // of looks made when the block is entered
  std::vector<Fixup> slow_jumps_;
  std::vector<SlowPath> slow_paths_;
  std::vector<Jump> jumps_;
  std::vector<Jump> alone_; // where a look for several accesses fails
  std::vector<Exit> exits_;
  std::vector<FullStack> full_;
  std::vector<Exit> attention_;
  std::vector<Detour> detours_;
  std::vector<AheadLook> looks_ahead_;
  std::vector<Jump> rounds_; // of loops, that have to be counted
};

} // namespace softhv::jit
