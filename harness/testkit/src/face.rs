//! Test programs as the one program with hidden faces: linked in, it becomes the runner, the holder or a task before
//! the test harness looks at the arguments.
#![expect(unsafe_code, reason = "a function that the loader calls before `main`; libtest offers no other place")]

/// Called by the loader. A test program that uses sandboxes names [`linked`], so that it is not left out.
// SAFETY: the loader calls functions in this section once, before `main` and before any thread is started; the
// arguments of the standard library are already set up then, by an earlier entry of the same section.
#[used]
#[unsafe(link_section = ".init_array")]
static FACE: extern "C" fn() = face;

extern "C" fn face() {
    patchbed_sandbox::faces(std::env::args_os());
}

/// Makes sure that the faces are part of a test program.
pub fn linked() {
    std::hint::black_box(&raw const FACE);
}
