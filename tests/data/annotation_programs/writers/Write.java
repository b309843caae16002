import ij.*;
import ij.gui.*;
import ij.io.*;
import ij.measure.*;
import ij.plugin.filter.Analyzer;
import java.io.*;
import java.util.zip.*;

/** Measures four points in images with ImageJ, and saves its tables and regions: java Write FOLDER. */
public class Write {
    static final String[] NAMES = {"nasion", "alare", "subnasale", "menton"};
    static final double[][] POINTS = {{10, 8}, {20.5, 8.25}, {15.25, 14.75}, {30, 20}};

    static PointRoi roi(int k, int first, int count) {
        PointRoi r = new PointRoi(POINTS[first][0] + k / 4.0, POINTS[first][1] + k / 4.0);
        for (int i = first + 1; i < first + count; i++) r.addPoint(POINTS[i][0] + k / 4.0, POINTS[i][1] + k / 4.0);
        return r;
    }

    static void measure(ImagePlus imp, Roi roi, int what, ResultsTable table) {
        imp.setRoi(roi);
        new Analyzer(imp, what | Measurements.CENTROID, table).measure();
    }

    public static void main(String[] a) throws Exception {
        String in = a[0] + "/", out = in + "imagej/";
        new File(out + "single").mkdirs();
        new File(out + "regions").mkdirs();
        new File(out + "named").mkdirs();
        ResultsTable all = new ResultsTable(), named = new ResultsTable(), below = new ResultsTable();
        for (int k = 0; k < 4; k++) {
            ImagePlus imp = IJ.openImage(in + k + ".png");
            measure(imp, roi(k, 0, 4), Measurements.LABELS | Measurements.MEAN, all);
            for (int i = 0; i < 4; i++) {
                PointRoi one = roi(k, i, 1);
                one.setName(NAMES[i]);
                measure(imp, one, Measurements.LABELS, named);
            }
            ResultsTable own = new ResultsTable();
            measure(imp, roi(k, 0, 4), Measurements.MEAN, own);
            own.save(out + "single/" + k + ".csv");
            new RoiEncoder(out + "regions/" + k + ".roi").write(roi(k, 0, 4));
            // As the ROI manager saves a list.
            ZipOutputStream zip = new ZipOutputStream(new FileOutputStream(out + "named/" + k + ".zip"));
            DataOutputStream data = new DataOutputStream(new BufferedOutputStream(zip));
            for (int i = 0; i < 4; i++) {
                PointRoi one = roi(k, i, 1);
                one.setName(NAMES[i]);
                zip.putNextEntry(new ZipEntry(NAMES[i] + ".roi"));
                new RoiEncoder(data).write(one);
                data.flush();
            }
            data.close();
            imp.getCalibration().setInvertY(true);
            measure(imp, roi(k, 0, 4), Measurements.LABELS, below);
        }
        all.save(out + "Results.csv");
        all.save(out + "Results.txt");
        named.save(out + "Named.csv");
        below.save(out + "Below.csv");
        // Images of ImageJ's own with a scale, and such as other programs wrote.
        ImagePlus mm = IJ.openImage(in + "0.png"), dpi = IJ.openImage(in + "1.png");
        for (Object[] one : new Object[][] {{mm, "mm", 0.25}, {dpi, "inch", 1 / 72.0}}) {
            Calibration c = ((ImagePlus) one[0]).getCalibration();
            c.setUnit((String) one[1]);
            c.pixelWidth = c.pixelHeight = (Double) one[2];
        }
        new FileSaver(mm).saveAsTiff(in + "scaled/mm.tif");
        new FileSaver(dpi).saveAsTiff(in + "scaled/dpi72.tif");
        for (String name : new String[] {"mm.tif", "dpi72.tif", "inch.tif", "cm.tif", "none.tif", "jfif.jpg"}) {
            ResultsTable table = new ResultsTable();
            measure(IJ.openImage(in + "scaled/" + name), roi(0, 0, 4), Measurements.LABELS, table);
            table.save(in + "scaled/" + name.replaceAll("\\..*", "") + ".csv");
        }
        System.out.println("ImageJ " + IJ.getFullVersion());
    }
}
