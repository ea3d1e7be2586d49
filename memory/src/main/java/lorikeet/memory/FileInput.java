package lorikeet.memory;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** A range of an open file as a stream; the end of the file inside the range is a {@link TruncatedFileException}. */
final class FileInput extends InputStream {
    private final RegularFile file;
    private final FileChannel channel;
    private final long to;
    private long at;

    FileInput(RegularFile file, FileChannel channel, long from, long to) {
        this.file = file;
        this.channel = channel;
        this.at = from;
        this.to = to;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (at == to) {
            return -1;
        }
        int wanted = (int) Math.min(length, to - at);
        int read = channel.read(ByteBuffer.wrap(bytes, offset, wanted), at);
        if (read < 0) {
            throw new TruncatedFileException(file.path(), file.size(), at);
        }
        at += read;
        return read;
    }
}
