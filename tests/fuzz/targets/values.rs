//! Texts to values: no form panics on any text, and what a form says can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stackwright::model::form::FORMS;
use stackwright::model::value::address::{Address, AddressRange, Subnet};
use stackwright::model::value::cpu::Cpus;
use stackwright::model::value::device::Device;
use stackwright::model::value::duration::Duration;
use stackwright::model::value::image::ImageRef;
use stackwright::model::value::mode::Mode;
use stackwright::model::value::mount::Mount;
use stackwright::model::value::port::PortMapping;
use stackwright::model::value::restart::Restart;
use stackwright::model::value::size::Size;
use stackwright::model::value::ulimit::Ulimit;
use stackwright::model::value::unit_name::UnitName;
use stackwright::model::value::user::UserSpec;

fuzz_target!(|text: &str| {
    for form in FORMS {
        if let Err(error) = (form.check)(text) {
            let said = format!("{}{}", error.message, error.help.unwrap_or_default());
            assert!(!said.chars().any(char::is_control), "{}: {said:?}", form.format);
            if let Some(at) = error.at {
                assert!(text.get(at).is_some(), "{}: not a part of the text", form.format);
            }
        }
    }
    macro_rules! round_trip {
        ($($type:ty),+) => {$(
            if let Ok(value) = text.parse::<$type>() {
                assert_eq!(value.to_string().parse::<$type>().as_ref(), Ok(&value));
            }
        )+};
    }
    round_trip!(
        Address, AddressRange, Subnet, Cpus, Device, Duration, ImageRef, Mode, Mount, PortMapping,
        Restart, Size, Ulimit, UnitName, UserSpec
    );
});
