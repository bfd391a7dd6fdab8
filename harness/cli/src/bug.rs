//! Internal errors: a panic writes a report file and ends the program with exit code 70.

use std::backtrace::Backtrace;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether any thread has panicked. A panic in a worker ends with 70 too, after all that can be saved is saved.
static HAPPENED: AtomicBool = AtomicBool::new(false);

/// From now on a panic writes a report file and says where.
pub(crate) fn watch() {
    std::panic::set_hook(Box::new(|info| {
        let first = !HAPPENED.swap(true, Ordering::SeqCst);
        if first {
            tell(info);
        }
    }));
}

/// Whether there was a panic.
pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::SeqCst)
}

/// Panics where a test asks for it, in builds with assertions only.
pub(crate) fn fault_point() {
    let asked = cfg!(debug_assertions) && std::env::var_os("PATCHBED_FAULT").is_some_and(|fault| fault == "panic");
    assert!(!asked, "PATCHBED_FAULT asked for a panic");
}

fn tell(info: &PanicHookInfo<'_>) {
    let text = format!(
        "patchbed {}\narguments: {:?}\n{info}\n\n{}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::args_os().collect::<Vec<_>>(),
        Backtrace::force_capture()
    );
    let place = match keep(&text) {
        Ok(path) => format!("  help: {} tells more; it is worth a report\n", path.display()),
        Err(_) => text,
    };
    let message = patchbed_model::text::visible(&info.to_string());
    let _ = write!(std::io::stderr().lock(), "error: this is a defect of patchbed: {message}\n{place}");
}

/// Writes the report into the state folder, or the folder for temporary files.
fn keep(text: &str) -> std::io::Result<PathBuf> {
    let folder = crate::folders::state_home().unwrap_or_else(std::env::temp_dir);
    std::fs::create_dir_all(&folder)?;
    let mut file = tempfile::Builder::new().prefix("bug-").suffix(".txt").tempfile_in(&folder)?;
    file.write_all(text.as_bytes())?;
    Ok(file.keep()?.1)
}
