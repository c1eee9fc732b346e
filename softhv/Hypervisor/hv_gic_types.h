// SPDX-License-Identifier: Apache-2.0
// Types of the GIC API of Hypervisor.framework. Register enumerators equal the architectural offset
// (GICD, GICR, GICM) or the packed system-register encoding (ICC, ICH, ICV); see IHI0069, 12.
#pragma once

#include <Hypervisor/hv_base.h>

// A GIC configuration (hv_gic_config.h) and a saved GIC state (hv_gic_state.h).
OS_OBJECT_DECL(hv_gic_config);
OS_OBJECT_DECL(hv_gic_state);

// INTIDs that the framework keeps for itself.
OS_ENUM(hv_gic_intid, uint16_t, HV_GIC_INT_PERFORMANCE_MONITOR = 23, HV_GIC_INT_MAINTENANCE = 25,
        HV_GIC_INT_EL2_PHYSICAL_TIMER = 26, HV_GIC_INT_EL1_VIRTUAL_TIMER = 27,
        HV_GIC_INT_EL1_PHYSICAL_TIMER = 30);

// GICD registers: offsets from the distributor base. See hv_gic_distributor_regs.h.
#include <Hypervisor/hv_gic_distributor_regs.h>

// GICR registers: offsets from RD_base; SGI_base is RD_base + 0x10000.
OS_ENUM(hv_gic_redistributor_reg, uint32_t, HV_GIC_REDISTRIBUTOR_REG_GICR_TYPER = 8,
        HV_GIC_REDISTRIBUTOR_REG_GICR_PIDR2 = 0xffe8,
        HV_GIC_REDISTRIBUTOR_REG_GICR_IGROUPR0 = 0x10080,
        HV_GIC_REDISTRIBUTOR_REG_GICR_ISENABLER0 = 0x10100,
        HV_GIC_REDISTRIBUTOR_REG_GICR_ICENABLER0 = 0x10180,
        HV_GIC_REDISTRIBUTOR_REG_GICR_ISPENDR0 = 0x10200,
        HV_GIC_REDISTRIBUTOR_REG_GICR_ICPENDR0 = 0x10280,
        HV_GIC_REDISTRIBUTOR_REG_GICR_ISACTIVER0 = 0x10300,
        HV_GIC_REDISTRIBUTOR_REG_GICR_ICACTIVER0 = 0x10380,
        HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR0 = 0x10400,
        HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR1 = 0x10404,
        HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR2 = 0x10408,
        HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR3 = 0x1040c,
        HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR4 = 0x10410,
        HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR5 = 0x10414,
        HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR6 = 0x10418,
        HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR7 = 0x1041c,
        HV_GIC_REDISTRIBUTOR_REG_GICR_ICFGR0 = 0x10c00,
        HV_GIC_REDISTRIBUTOR_REG_GICR_ICFGR1 = 0x10c04);

// CPU interface registers.
OS_ENUM(hv_gic_icc_reg, uint16_t, HV_GIC_ICC_REG_PMR_EL1 = 0xc230, HV_GIC_ICC_REG_BPR0_EL1 = 0xc643,
        HV_GIC_ICC_REG_AP0R0_EL1 = 0xc644, HV_GIC_ICC_REG_AP1R0_EL1 = 0xc648,
        HV_GIC_ICC_REG_RPR_EL1 = 0xc65b, HV_GIC_ICC_REG_BPR1_EL1 = 0xc663,
        HV_GIC_ICC_REG_CTLR_EL1 = 0xc664, HV_GIC_ICC_REG_SRE_EL1 = 0xc665,
        HV_GIC_ICC_REG_IGRPEN0_EL1 = 0xc666, HV_GIC_ICC_REG_IGRPEN1_EL1 = 0xc667,
        HV_GIC_ICC_REG_SRE_EL2 = 0xe64d);

// Virtual interface control registers (VMs with EL2 only).
OS_ENUM(hv_gic_ich_reg, uint16_t, HV_GIC_ICH_REG_AP0R0_EL2 = 0xe640,
        HV_GIC_ICH_REG_AP1R0_EL2 = 0xe648, HV_GIC_ICH_REG_HCR_EL2 = 0xe658,
        HV_GIC_ICH_REG_VTR_EL2 = 0xe659, HV_GIC_ICH_REG_MISR_EL2 = 0xe65a,
        HV_GIC_ICH_REG_EISR_EL2 = 0xe65b, HV_GIC_ICH_REG_ELRSR_EL2 = 0xe65d,
        HV_GIC_ICH_REG_VMCR_EL2 = 0xe65f, HV_GIC_ICH_REG_LR0_EL2 = 0xe660,
        HV_GIC_ICH_REG_LR1_EL2 = 0xe661, HV_GIC_ICH_REG_LR2_EL2 = 0xe662,
        HV_GIC_ICH_REG_LR3_EL2 = 0xe663, HV_GIC_ICH_REG_LR4_EL2 = 0xe664,
        HV_GIC_ICH_REG_LR5_EL2 = 0xe665, HV_GIC_ICH_REG_LR6_EL2 = 0xe666,
        HV_GIC_ICH_REG_LR7_EL2 = 0xe667, HV_GIC_ICH_REG_LR8_EL2 = 0xe668,
        HV_GIC_ICH_REG_LR9_EL2 = 0xe669, HV_GIC_ICH_REG_LR10_EL2 = 0xe66a,
        HV_GIC_ICH_REG_LR11_EL2 = 0xe66b, HV_GIC_ICH_REG_LR12_EL2 = 0xe66c,
        HV_GIC_ICH_REG_LR13_EL2 = 0xe66d, HV_GIC_ICH_REG_LR14_EL2 = 0xe66e,
        HV_GIC_ICH_REG_LR15_EL2 = 0xe66f);

// Virtual CPU interface registers (VMs with EL2 only).
OS_ENUM(hv_gic_icv_reg, uint16_t, HV_GIC_ICV_REG_PMR_EL1 = 0xc230, HV_GIC_ICV_REG_BPR0_EL1 = 0xc643,
        HV_GIC_ICV_REG_AP0R0_EL1 = 0xc644, HV_GIC_ICV_REG_AP1R0_EL1 = 0xc648,
        HV_GIC_ICV_REG_RPR_EL1 = 0xc65b, HV_GIC_ICV_REG_BPR1_EL1 = 0xc663,
        HV_GIC_ICV_REG_CTLR_EL1 = 0xc664, HV_GIC_ICV_REG_SRE_EL1 = 0xc665,
        HV_GIC_ICV_REG_IGRPEN0_EL1 = 0xc666, HV_GIC_ICV_REG_IGRPEN1_EL1 = 0xc667);

// MSI frame registers: offsets from the MSI region base.
OS_ENUM(hv_gic_msi_reg, uint16_t, HV_GIC_REG_GICM_TYPER = 8, HV_GIC_REG_GICM_SET_SPI_NSR = 0x40);
