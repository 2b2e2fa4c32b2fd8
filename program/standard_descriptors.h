// Standard input, output and error of a program that was started without them.
#ifndef DETACH_PROGRAM_STANDARD_DESCRIPTORS_H_
#define DETACH_PROGRAM_STANDARD_DESCRIPTORS_H_

namespace detach {

// OpenStandardDescriptors opens /dev/null for each of 0, 1 and 2 that is closed. Else whatever is
// opened next gets that number, a connection or a file, and the log is written there. Before
// anything else in main.
void OpenStandardDescriptors() noexcept;

}  // namespace detach

#endif  // DETACH_PROGRAM_STANDARD_DESCRIPTORS_H_
