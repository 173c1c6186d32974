//! A desktop as a file that every program shows.

use ostler_core::DesktopArea;

use crate::{Framebuffer, Outside};

/// Returns a desktop as PNG (ISO/IEC 15948), eight bits of red, green and blue, without its pointer.
///
/// # Errors
/// [`Outside`] where it has no size yet.
pub fn png(framebuffer: &Framebuffer) -> Result<Vec<u8>, Outside> {
    let size = framebuffer.size();
    if !size.fits() {
        return Err(Outside);
    }
    let mut colors = framebuffer.colors(DesktopArea::whole(size)).ok_or(Outside)?;
    for color in colors.chunks_exact_mut(3) {
        color.reverse();
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width.into(), size.height.into());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&colors)?;
        writer.finish()
    });
    // Memory takes everything, and the number of bytes is that of the size.
    written.map_err(|_| Outside)?;
    Ok(bytes)
}
