//! The program `haven`.

fn main() -> std::process::ExitCode {
    haven_cli::main()
}
