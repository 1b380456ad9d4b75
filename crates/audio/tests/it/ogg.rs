//! Ogg files put together by hand, with right checksums.

/// A page of whole packets.
pub(crate) struct Page<'a> {
    pub(crate) packets: &'a [Vec<u8>],
    /// 2: the stream begins; 4: it ends.
    pub(crate) flags: u8,
    pub(crate) granule: u64,
}

pub(crate) fn file(pages: &[Page<'_>]) -> Vec<u8> {
    pages
        .iter()
        .enumerate()
        .flat_map(|(at, page)| page.bytes(at as u32))
        .collect()
}

impl Page<'_> {
    fn bytes(&self, number: u32) -> Vec<u8> {
        let lacing =
            |packet: &Vec<u8>| [vec![255; packet.len() / 255], vec![(packet.len() % 255) as u8]].concat();
        let segments: Vec<u8> = self.packets.iter().flat_map(lacing).collect();
        let mut page = b"OggS\0".to_vec();
        page.push(self.flags);
        page.extend(self.granule.to_le_bytes());
        page.extend(7u32.to_le_bytes());
        page.extend(number.to_le_bytes());
        page.extend([0; 4]);
        page.push(u8::try_from(segments.len()).unwrap());
        page.extend(segments);
        page.extend(self.packets.concat());
        let sum = checksum(&page).to_le_bytes();
        page[22..26].copy_from_slice(&sum);
        page
    }
}

fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 1 {
                crc << 1 ^ 0x04c1_1db7
            } else {
                crc << 1
            }
        })
    })
}

/// The packets of a file of one stream.
pub(crate) fn packets(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut packets, mut packet, mut at) = (Vec::new(), Vec::new(), 0);
    while at < file.len() {
        let segments = &file[at + 27..at + 27 + usize::from(file[at + 26])];
        at += 27 + segments.len();
        for segment in segments {
            let end = at + usize::from(*segment);
            packet.extend_from_slice(&file[at..end]);
            at = end;
            if *segment < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
    }
    packets
}

/// Two headers of a page each, then all sound in one.
pub(crate) fn opus(packets: &[Vec<u8>], granule: u64) -> Vec<u8> {
    let page = |packets, flags, granule| Page {
        packets,
        flags,
        granule,
    };
    file(&[
        page(&packets[..1], 2, 0),
        page(&packets[1..2], 0, 0),
        page(&packets[2..], 4, granule),
    ])
}
