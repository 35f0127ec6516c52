// What is wrong with the virtual address, from the part "Vip" of each member's health. Pure.
#pragma once

#include "tools/holdfast/doctor.hpp"

namespace holdfast::cli {

/// Appends its findings. Silent where no address is guarded (a node alone, or a load balancer's cluster).
void examine_vip(const std::vector<examined_member>& members, std::vector<finding>& out);

} // namespace holdfast::cli
